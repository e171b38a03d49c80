"""The command line: `ocr-operator run` in or beside a cluster, `ocr-operator local` without one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NoReturn

from ocr_operator import config
from ocr_operator.config import ConfigError
from ocr_operator.runtime import logs

USAGE: Final = 2
DISTRIBUTION: Final = "kubeocr"
# The versions that this release brings.
OPERANDS: Final = Path(__file__).with_name("operands.yaml")


class _Parser(argparse.ArgumentParser):
    """A wrong argument is one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        self.exit(USAGE, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the subcommand; the exit status."""
    parser = _Parser(prog="ocr-operator", description="The KubeOCR operator.")
    parser.add_argument("--version", action="version", version=f"ocr-operator {version(DISTRIBUTION)}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_run(commands)
    _add_local(commands)
    chosen = parser.parse_args(arguments)
    try:
        status: int = chosen.command(chosen)
    except ConfigError as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return USAGE
    return status


def _add_run(commands: Any) -> None:
    run = commands.add_parser(
        "run", help="reconcile OCRServices in a cluster", description="Reconcile OCRServices in a cluster."
    )
    add = run.add_argument
    add("--kubeconfig", type=_file, metavar="FILE", help="default: the service account of the pod")
    add(
        "--namespace",
        type=_name,
        action="append",
        default=[],
        metavar="NS",
        help="work in this namespace only; may be repeated; default: all namespaces",
    )
    add("--workers", type=_integer(1, 64), default=8, metavar="N", help="services at a time (8)")
    add(
        "--health-host",
        metavar="H",
        help="address of /healthz, /readyz and /metrics; default: all in a pod, 127.0.0.1 with --kubeconfig",
    )
    add("--health-port", type=_integer(1, 65_535), default=8081, metavar="P", help="and the port (8081)")
    add("--leader-elect", action="store_true", help="write only while holding a Lease, for two replicas")
    add("--log-level", choices=("debug", "info", "warning", "error"), default="info", help="(info)")
    add("--operands", type=_file, required=True, metavar="FILE", help="versions, images and models, as YAML")
    run.set_defaults(command=_run)


def _run(chosen: argparse.Namespace) -> int:
    # kopf and the client take most of a second to import, which other subcommands need not wait for.
    from ocr_operator import app  # noqa: PLC0415

    settings = config.Config(
        operands=config.load_operands(chosen.operands),
        identity=config.identity(),
        lease_namespace=config.lease_namespace(),
        kubeconfig=chosen.kubeconfig,
        namespaces=tuple(dict.fromkeys(chosen.namespace)),
        workers=chosen.workers,
        health_host=chosen.health_host or ("127.0.0.1" if chosen.kubeconfig else None),
        health_port=chosen.health_port,
        leader_elect=chosen.leader_elect,
    )
    logs.configure(chosen.log_level)
    return app.main(settings, version(DISTRIBUTION))


def _add_local(commands: Any) -> None:
    local = commands.add_parser(
        "local",
        help="run OCRServices on this host, without a cluster",
        description="Run every OCRService of a file on this host, without a cluster, until Ctrl-C.",
    )
    add = local.add_argument
    add("-f", "--filename", type=Path, required=True, metavar="FILE", help="YAML; edits are followed")
    add(
        "--gateway-port",
        type=_integer(1, 65_535),
        default=8080,
        metavar="P",
        help="loopback port of the first service's gateway; others get the next free ones (8080)",
    )
    add("--operands", type=_file, default=OPERANDS, metavar="FILE", help="versions and models, as YAML")
    local.set_defaults(command=_local)


def _local(chosen: argparse.Namespace) -> int:
    from ocr_operator import local  # noqa: PLC0415 - see _run

    operands = config.load_operands(chosen.operands)
    return local.run(local.Options(chosen.filename, chosen.gateway_port, operands, version(DISTRIBUTION)))


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return path


def _name(text: str) -> str:
    if not config.NAMESPACE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a namespace: a-z, 0-9 and '-', up to 63")
    return text


def _integer(least: int, most: int) -> Any:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!r} is no integer from {least} to {most}")
        return int(text)

    return parse


if __name__ == "__main__":
    sys.exit(main())
