"""`python -m ocr_operator.crdgen [--check] DIR`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ocr_operator.crdgen.crd import RESOURCES, Resource, render
from ocr_operator.crdgen.schema import SchemaError


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the CRDs to DIR, or compare; return 1 when a file is outdated, 2 on a failure."""
    parser = argparse.ArgumentParser(prog="python -m ocr_operator.crdgen", description="Generate the CRDs.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is outdated")
    parser.add_argument("folder", metavar="DIR", type=Path, help="folder of the CRDs' files, such as crds")
    options = parser.parse_args(arguments)
    written = (_write(resource, options.folder, check=options.check) for resource in RESOURCES)
    return next(filter(None, written), 0)


def _write(resource: Resource, folder: Path, *, check: bool) -> int:
    path = folder / resource.file_name
    try:
        text = render(resource)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            print(f"{path} is not what the models say; run `make generate`", file=sys.stderr)
            return 1
    except SchemaError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{path}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
