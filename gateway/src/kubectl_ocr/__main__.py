"""`kubectl ocr COMMAND NAME`; kubectl finds the program by its name, `kubectl-ocr`."""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence

from kubectl_ocr import changes
from kubectl_ocr.kubectl import Kubectl, KubectlError, flags
from kubectl_ocr.read import read
from kubectl_ocr.status import status
from kubeocr import command
from kubeocr.targets import UsageError

# kubectl's own, handed on as they are.
FLAGS = ("kubeconfig", "context", "cluster", "user", "as", "namespace")
HELP = {
    "kubeconfig": "default: as for kubectl",
    "context": "of the kubeconfig",
    "cluster": "of the kubeconfig",
    "user": "of the kubeconfig",
    "as": "a user to act as",
    "namespace": "default: the context's",
}
Command = Callable[[Kubectl, str], str]
PLAIN: Mapping[str, tuple[Command, str]] = {
    "status": (status, "the service, its pods, why they fail, and its conditions"),
    "restart": (changes.restart, "replace all pods one by one, without a change of the spec"),
    "suspend": (changes.suspend, "run no pods (spec.suspend)"),
    "resume": (changes.resume, "run pods again"),
    "promote": (changes.promote, "let a canary take over without its further steps"),
    "rollback": (changes.rollback, "take a canary back"),
}


def _parser() -> command.Parser:
    parser = command.Parser(
        prog="kubectl ocr",
        description="Look after OCRServices. Exit status: 0, 1 when something failed, 2 for wrong usage.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, text) in PLAIN.items():
        _add(
            commands.add_parser(
                name, help=text, description=f"{name.capitalize()}: {text}.", allow_abbrev=False
            )
        )
    text = "set the version (spec.version)"
    upgrade = commands.add_parser("upgrade", help=text, description=f"Upgrade: {text}.", allow_abbrev=False)
    _add(upgrade)
    upgrade.add_argument("version", nargs="?", help="default: the newest that the operator has")
    text = "read documents through the API server"
    reading = commands.add_parser("read", help=text, description=f"Read: {text}.", allow_abbrev=False)
    _add(reading)
    command.add_options(reading)
    return parser


def _add(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="of the OCRService")
    group = parser.add_argument_group("kubectl's own")
    for flag in FLAGS:
        short = ("-n",) if flag == "namespace" else ()
        group.add_argument(*short, f"--{flag}", metavar=flag.upper(), help=HELP[flag])


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Run the command; its exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    kubectl = Kubectl(flags(vars(given), FLAGS))
    try:
        return _run(kubectl, given, environ)
    except UsageError as error:
        parser.error(str(error))
    except KubectlError as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return 1


def _run(kubectl: Kubectl, given: Namespace, environ: Mapping[str, str]) -> int:
    if given.command == "read":
        return read(kubectl, given, environ)
    if given.command == "upgrade":
        text = changes.upgrade(kubectl, given.name, given.version)
    else:
        text = PLAIN[given.command][0](kubectl, given.name)
    print(text.rstrip())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
