"""Reading documents on the command line: the options, and what is done with them."""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from kubeocr.client import Client
from kubeocr.reading import Reading, read_all
from kubeocr.targets import OUTPUTS, Target, UsageError, plan

USAGE, INTERRUPTED = 2, 130
MAX_JOBS = 64
KEY_VARIABLE = "KUBEOCR_API_KEY"


class Parser(argparse.ArgumentParser):
    """One line and exit status 2 for a mistake; argparse's own usage text would bury the message."""

    def error(self, message: str) -> NoReturn:
        """As of argparse."""
        sys.stderr.write(f"{self.prog}: {message} (see {self.prog} --help)\n")
        raise SystemExit(USAGE)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Which documents, how they are read, and by whom."""
    add = parser.add_argument
    add("files", nargs="+", metavar="FILE", help="a picture or PDF; - is the standard input")
    add("-o", "--output", choices=tuple(OUTPUTS), default="text", help="format (default: %(default)s)")
    add("--output-dir", type=Path, metavar="DIR", help="one file for each document, instead of stdout")
    add("--pages", metavar="RANGES", help="of each document, as in 1-3,7")
    add("--jobs", type=_jobs, default=4, metavar="N", help="documents read at once (default: %(default)s)")
    add("--api-key-file", type=Path, metavar="FILE", help=f"holds the API key; default: ${KEY_VARIABLE}")


def targets(given: argparse.Namespace) -> tuple[Target, ...]:
    """Where each result goes. Raises UsageError."""
    return plan(given.files, given.output, given.output_dir)


def api_key(given: argparse.Namespace, environ: Mapping[str, str]) -> str | None:
    """The key, from its file or the environment. Raises UsageError."""
    file: Path | None = given.api_key_file
    if file is None:
        return environ.get(KEY_VARIABLE) or None
    try:
        return file.read_text().strip()
    except OSError as error:
        raise UsageError(f"--api-key-file {file}: {error.strerror}") from None


def read(client: Client, given: argparse.Namespace, wanted: tuple[Target, ...]) -> int:
    """Read the documents; the exit status."""
    options = {"pages": given.pages} if given.pages else {}
    try:
        return read_all(Reading(client, given.output, options), wanted, given.jobs)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # as of `| head`; what Python would flush at its end has no reader either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_JOBS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {MAX_JOBS}")
    return int(text)
