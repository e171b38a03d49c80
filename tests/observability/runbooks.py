"""The runbooks as somebody who was called follows them: the commands, with an alert's labels put in."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.kubectl import client_environment
from tests.observability.monitoring import Monitoring

FOLDER = Path(__file__).parents[2] / "docs" / "runbooks"


def follow(observer: Monitoring, alert: str, labels: Mapping[str, str]) -> str:
    """What all commands print by which the alert's runbook finds the cause."""
    shell = "\n".join(_blocks(alert, "bash"))
    queries = [line for block in _blocks(alert, "promql") for line in _expressions(block)]
    about = _variables(labels)
    return "\n".join([_shell(observer, shell, about), *(_answer(observer, each, about) for each in queries)])


def _variables(labels: Mapping[str, str]) -> dict[str, str]:
    """By the first lines of docs/runbooks/README.md."""
    given = {
        "NAMESPACE": labels.get("namespace"),
        "NAME": labels.get("ocrservice", labels.get("name")),
        "POD": labels.get("pod"),
    }
    return {name: value for name, value in given.items() if value is not None}


def _blocks(alert: str, language: str) -> list[str]:
    page = (FOLDER / f"{alert}.md").read_text()
    section = page.split("## Find the cause")[1].split("## Mend it")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def _expressions(block: str) -> list[str]:
    """One a line; what begins with an operator goes on with the line before."""
    return re.sub(r"\n(?=[/*+-])", " ", block).strip().splitlines()


def _shell(observer: Monitoring, commands: str, about: Mapping[str, str]) -> str:
    kubectl = observer.kubectl
    variables = client_environment(kubectl.kubeconfig)
    path = f"{Path(kubectl.command()[0]).parent}:{variables['PATH']}"
    done = subprocess.run(
        ["bash", "-c", commands],
        env={**variables, **about, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def _answer(observer: Monitoring, query: str, about: Mapping[str, str]) -> str:
    for name, value in about.items():
        query = query.replace(f"${name}", value)
    return "\n".join(f"{sample['value'][1]} {sample['metric']}" for sample in observer.query(query))
