"""`python -m tests.soak`: a run on a node of its own, its table, and docs/benchmarks-soak.md."""

import argparse
import sys
from pathlib import Path

from tests.bench.machine import describe
from tests.cluster import images, node
from tests.cluster.errors import ClusterError
from tests.cluster.wheels import ROOT
from tests.e2e.platform import Platform
from tests.e2e.world import restricted
from tests.soak.report import markdown
from tests.soak.run import Seen, soak

PAGE = ROOT / "docs" / "benchmarks-soak.md"
SEED = 20261126


def main() -> int:
    """Run it; the exit status is 1 when anything is unexplained or grows."""
    parser = argparse.ArgumentParser(prog="tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, metavar="N", help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help="(%(default)s)")
    parser.add_argument("--out", type=Path, default=PAGE, metavar="FILE", help="(%(default)s)")
    options = parser.parse_args()
    run = describe(f"make soak MINUTES={options.minutes:g}", cores=2, seed=options.seed, pages=0, sets=())
    try:
        seen = _run(60 * options.minutes, options.seed)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    page = markdown(run, seen)
    options.out.write_text(page)
    print(page)
    return int(bool(seen.faults))


def _run(seconds: float, seed: int) -> Seen:
    with node.leashed() as target:
        for archive in images.build_images().values():
            target.import_image(archive)
        platform = Platform(target)
        platform.install()
        with restricted(target) as service:
            return soak(service, platform, seconds, seed)


if __name__ == "__main__":
    sys.exit(main())
