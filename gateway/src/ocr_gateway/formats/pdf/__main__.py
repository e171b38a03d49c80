"""The process that writes one PDF: an order comes in, the file goes out. It is given little memory and time.

What it reads is hostile, and its parser is C++: so it stands alone (see `formats.child`).
"""

import logging
import resource
import sys

MEMORY_BYTES = 768 * 1024 * 1024
CPU_SECONDS = 60


def main() -> None:
    """Read an order from stdin, write the PDF to stdout."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logging.disable()
    from ocr_gateway.formats.pdf import order, pages  # noqa: PLC0415 - parsers load under the limits

    sys.stdout.buffer.write(pages.write(*order.unpack(sys.stdin.buffer)))


main()
