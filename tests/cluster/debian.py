"""Programs that come as Debian packages, installed when a test first needs them."""

import os
import shutil
import subprocess
from collections.abc import Iterable

from tests.cluster.errors import ClusterError
from tests.cluster.gobuild import Say, say


def install(packages: Iterable[str], why: str, say: Say = say) -> None:
    """Install the packages; raise ClusterError, naming `why` they are wanted, where that is not possible."""
    names = sorted(packages)
    if not names:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ClusterError(f"{why} the programs of Debian's {', '.join(names)}: install them")
    say(f"installing with apt-get: {' '.join(names)}")
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *names]):
        apt = ["apt-get", "--quiet", *command]
        variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        result = subprocess.run(apt, env=variables, capture_output=True, text=True, check=False)
        if result.returncode:
            raise ClusterError(f"{' '.join(apt)}: {result.stderr.strip()}")
