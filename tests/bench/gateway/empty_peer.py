"""RapidOCRAPI with an engine that costs nothing; runs in that package's own environment.

    python empty_peer.py PORT

Its HTTP layer takes the upload, opens the image's header, and answers a fixed page of 40 lines.
"""

import sys

import uvicorn
from rapidocr_api import main

_CORNERS = [[100.0, 100.0], [900.0, 100.0], [900.0, 130.0], [100.0, 130.0]]
_ANSWER = {number: {"rec_txt": "x" * 60, "dt_boxes": _CORNERS, "score": 0.9} for number in range(40)}

main.processor = lambda *_, **__: _ANSWER

if __name__ == "__main__":
    uvicorn.run(main.app, port=int(sys.argv[1]), log_config=None, access_log=False)
