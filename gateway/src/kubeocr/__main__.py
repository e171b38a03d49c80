"""`kubeocr read FILE...`: the text of documents, by the HTTP API of a KubeOCR service."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from kubeocr.client import Client
from kubeocr.reading import Reading, read_all
from kubeocr.targets import OUTPUTS, UsageError, plan

USAGE, INTERRUPTED = 2, 130
MAX_JOBS = 64


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line and exit status 2; argparse's own usage text would bury the message."""
        sys.stderr.write(f"{self.prog}: {message} (see {self.prog} --help)\n")
        raise SystemExit(USAGE)


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_JOBS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {MAX_JOBS}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="kubeocr", description="Text from pictures and PDFs.", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="read")
    read = commands.add_parser(
        "read",
        help="read documents",
        description="Read documents. Exit status: 1 when one of them could not be read, 2 for wrong usage.",
        allow_abbrev=False,
    )
    add = read.add_argument
    add("files", nargs="+", metavar="FILE", help="a picture or PDF; - is the standard input")
    add("--url", help="of the service; default: $KUBEOCR_URL")
    add("-o", "--output", choices=tuple(OUTPUTS), default="text", help="format (default: %(default)s)")
    add("--output-dir", type=Path, metavar="DIR", help="one file for each document, instead of stdout")
    add("--pages", metavar="RANGES", help="of each document, as in 1-3,7")
    add("--jobs", type=_jobs, default=4, metavar="N", help="documents read at once (default: %(default)s)")
    add("--api-key-file", type=Path, metavar="FILE", help="holds the API key; default: $KUBEOCR_API_KEY")
    return parser


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Run the command; its exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        url = given.url or environ.get("KUBEOCR_URL") or _missing_url()
        key = _key(given.api_key_file, environ)
        targets = plan(given.files, given.output, given.output_dir)
    except UsageError as error:
        parser.error(str(error))
    options = {"pages": given.pages} if given.pages else {}
    with Client(url, api_key=key) as client:
        reading = Reading(client, given.output, options)
        try:
            return read_all(reading, targets, given.jobs)
        except KeyboardInterrupt:
            return INTERRUPTED
        except BrokenPipeError:  # as of `| head`; what Python would flush at its end has no reader either
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1


def _missing_url() -> NoReturn:
    raise UsageError("no service is named: give --url http://HOST, or set KUBEOCR_URL")


def _key(file: Path | None, environ: Mapping[str, str]) -> str | None:
    if file is None:
        return environ.get("KUBEOCR_API_KEY") or None
    try:
        return file.read_text().strip()
    except OSError as error:
        raise UsageError(f"--api-key-file {file}: {error.strerror}") from None


if __name__ == "__main__":
    raise SystemExit(main())
