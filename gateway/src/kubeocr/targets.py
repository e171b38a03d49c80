"""Which file goes where; what cannot work is told before the first one is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

STDIN = "-"
# The ends of file names by output.
OUTPUTS: Mapping[str, str] = MappingProxyType(
    {
        "json": "json",
        "text": "txt",
        "tsv": "tsv",
        "hocr": "hocr",
        "alto": "alto.xml",
        "page": "page.xml",
        "markdown": "md",
        "pdf": "pdf",
    }
)
# Two of these one after the other are not a file of that kind.
SINGLE = frozenset({"hocr", "alto", "page", "pdf"})


class UsageError(Exception):
    """The arguments do not fit together; the message says how they would."""


@dataclass(frozen=True)
class Target:
    """A document by the name that it was given, and the file for what is read; None: the standard output."""

    name: str
    file: Path | None = None


def plan(names: Sequence[str], output: str, folder: Path | None) -> tuple[Target, ...]:
    """A target for each name.

    Raises:
        UsageError: two results would be the same file, or a result one of the documents.
    """
    if names.count(STDIN) > 1:
        raise UsageError("- is given twice; the standard input can be read once")
    if folder is None:
        if len(names) > 1 and output in SINGLE:
            raise UsageError(f"{len(names)} documents as {output} need --output-dir DIR, a file for each")
        return tuple(Target(name) for name in names)
    targets = tuple(Target(name, folder / _result(name, output)) for name in names)
    _check(targets)
    return targets


def _result(name: str, output: str) -> str:
    return f"{'stdin' if name == STDIN else Path(name).stem}.{OUTPUTS[output]}"


def _check(targets: Sequence[Target]) -> None:
    sources = {Path(target.name).resolve() for target in targets}
    taken: dict[Path | None, str] = {}
    for target in targets:
        if target.file in taken:
            raise UsageError(
                f"{taken[target.file]} and {target.name} would both become {target.file}; read them apart"
            )
        if target.file is not None and target.file.resolve() in sources:
            raise UsageError(f"{target.file} is one of the documents; choose another --output-dir")
        taken[target.file] = target.name
