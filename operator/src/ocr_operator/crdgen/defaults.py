"""`python -m ocr_operator.crdgen.defaults`: what an empty spec means, for the chart's limits for tenants."""

from __future__ import annotations

import sys
from typing import Final

import yaml

from ocr_operator.crdgen.crd import HEADER
from ocr_operator.desired.plan import DEFAULT_REPLICAS
from ocr_operator.models.gateway import Gateway
from ocr_operator.models.model_server import ModelServer
from ocr_operator.models.spec import Spec

EMPTY: Final = Spec(
    gateway=Gateway(replicas=DEFAULT_REPLICAS), model_server=ModelServer(replicas=DEFAULT_REPLICAS)
)


def render() -> str:
    """The chart's files/defaults.yaml."""
    return HEADER + yaml.safe_dump(EMPTY.dump(), sort_keys=False)


if __name__ == "__main__":
    sys.stdout.write(render())
