"""The settings of reading documents."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class DocumentSettings:
    """What a PDF may cost. Times in seconds, sizes in bytes."""

    # PDFs that are open at the same time; each has a process, of some 20 MB while it waits.
    renderers: int = 8
    # Of these, so many work at the same time; the others wait for their turn. With the process that writes a
    # searchable PDF and the gateway itself they fit the pod's default of 2 GiB, whatever is in the documents.
    rendering: int = 2
    # Of one process, beside its document: what is decoded of one page.
    renderer_memory: int = 384 * MIB
    # A process that holds more than this and its document between two pages is replaced.
    renderer_idle_memory: int = 96 * MIB
    # To open a document, and for each page.
    page_seconds: float = 10
