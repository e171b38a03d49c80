"""docs/api.md is made from the operations."""

from pathlib import Path

from ocr_gateway.routes.manual import manual

DOCS = Path(__file__).parents[2] / "docs"


def test_the_document_is_up_to_date() -> None:
    made = manual(DOCS / "api")
    assert (DOCS / "api.md").read_text(encoding="utf-8") == made, "run: make generate"
