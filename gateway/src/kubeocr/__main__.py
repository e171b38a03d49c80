"""`kubeocr read FILE...`: the text of documents, by the HTTP API of a KubeOCR service."""

import os
from collections.abc import Mapping, Sequence
from typing import NoReturn

from kubeocr import command
from kubeocr.client import Client
from kubeocr.targets import UsageError


def _parser() -> command.Parser:
    parser = command.Parser(prog="kubeocr", description="Text from pictures and PDFs.", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="read")
    read = commands.add_parser(
        "read",
        help="read documents",
        description="Read documents. Exit status: 1 when one of them could not be read, 2 for wrong usage.",
        allow_abbrev=False,
    )
    command.add_options(read)
    read.add_argument("--url", help="of the service; default: $KUBEOCR_URL")
    return parser


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Run the command; its exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        url = given.url or environ.get("KUBEOCR_URL") or _missing_url()
        key = command.api_key(given, environ)
        targets = command.targets(given)
    except UsageError as error:
        parser.error(str(error))
    with Client(url, api_key=key) as client:
        return command.read(client, given, targets)


def _missing_url() -> NoReturn:
    raise UsageError("no service is named: give --url http://HOST, or set KUBEOCR_URL")


if __name__ == "__main__":
    raise SystemExit(main())
