"""Write the dashboards into a folder: `python -m tests.observability.dashboards FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.observability.dashboards import inference_sheet, operator_sheet, service_sheet
from tests.observability.dashboards.render import render

SHEETS = (operator_sheet.SHEET, inference_sheet.SHEET, service_sheet.SHEET)


def main(folder: Path) -> None:
    """Write UID.json for each dashboard."""
    folder.mkdir(parents=True, exist_ok=True)
    for sheet in SHEETS:
        (folder / f"{sheet.uid}.json").write_text(render(sheet))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
