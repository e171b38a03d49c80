"""Drive the tests' Kubernetes by hand."""

import argparse
import os
import sys
from collections.abc import Sequence

from tests.cluster import node, tools
from tests.cluster.errors import ClusterError
from tests.cluster.helm import helm
from tests.cluster.kubectl import client_environment


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; return the exit status."""
    own, for_kubectl = split(sys.argv[1:] if argv is None else argv)
    arguments = parser().parse_args(own)
    try:
        run(arguments, for_kubectl)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def split(argv: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Our own arguments and those for kubectl; argparse would misread options among the latter."""
    if argv[:1] != ["kubectl"] or argv[1:2] in (["-h"], ["--help"]):
        return argv, []
    end = 3 if argv[1:2] == ["--name"] else 1
    return argv[:end], argv[end:]


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    commands.add_parser("tools", help="build or download every program (minutes, the first time)")
    for name, text in (
        ("up", "start a node and leave it running"),
        ("down", "end it and remove all of it"),
        ("kubectl", "run kubectl against it, with all arguments that follow"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--name", default=node.DEFAULT_NAME, help="default: %(default)s")
    commands.add_parser("status", help="list the nodes that are there")
    return top


def run(arguments: argparse.Namespace, for_kubectl: Sequence[str]) -> None:
    """Do what the command line says."""
    match arguments.command:
        case "tools":
            for program in (tools.kubernetes(), tools.coredns(), tools.pause(), tools.probe(), helm()):
                print(program)
        case "up":
            started = node.up(arguments.name)
            print(f"kubeconfig: {started.kubeconfig}")
        case "down":
            node.down(arguments.name)
        case "status":
            node.require_root()
            for name in node.names():
                print(name, "up" if node.Node(name).is_up() else "broken: `down` removes it", sep="\t")
        case "kubectl":
            kubectl(node.Node(arguments.name), for_kubectl)


def kubectl(target: node.Node, args: Sequence[str]) -> None:
    """Become kubectl."""
    node.require_root()
    _ = target.address  # says what to do when there is none
    command = target.kubectl().command(*args)
    os.execve(command[0], command, client_environment(target.kubeconfig))  # noqa: S606 - that is the point


if __name__ == "__main__":
    sys.exit(main())
