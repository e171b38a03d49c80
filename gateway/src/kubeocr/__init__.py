"""Client of KubeOCR's HTTP API: `read(url, "page.png").text`; `Client`, `AsyncClient` keep connections."""

from kubeocr.client import AsyncClient, Client, aread, read
from kubeocr.errors import OcrError
from kubeocr.result import Document, Line, Page, Word
from kubeocr.retries import Retries

__all__ = [
    "AsyncClient",
    "Client",
    "Document",
    "Line",
    "OcrError",
    "Page",
    "Retries",
    "Word",
    "aread",
    "read",
]
