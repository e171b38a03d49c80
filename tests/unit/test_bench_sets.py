"""Public sets of pages in a folder."""

from pathlib import Path

import pytest

from tests.bench.score import score
from tests.bench.sets import SetError, read_set


def sroie(root: Path, count: int) -> Path:
    (root / "img").mkdir()
    (root / "box").mkdir()
    for number in range(count):
        (root / "img" / f"{number:03d}.jpg").write_bytes(b"image")
        rows = f"10,20,110,20,110,40,10,40,TOTAL, RM {number}\n\n"
        (root / "box" / f"{number:03d}.csv").write_bytes(rows.encode("utf-8-sig"))
    return root / "img"


def test_boxes_of_a_receipt_are_read_with_commas_in_their_text(tmp_path: Path) -> None:
    page = read_set("sroie", sroie(tmp_path, 2), "report", 9)[0]
    assert (page.name, page.lines[0].text) == ("sroie-001", "TOTAL, RM 1")
    assert page.lines[0].polygon == ((10, 20), (110, 20), (110, 40), (10, 40))


def test_the_halves_of_a_set_share_no_page_and_keep_the_limit(tmp_path: Path) -> None:
    folder = sroie(tmp_path, 9)
    tune, report = ({page.name for page in read_set("s", folder, half, 3)} for half in ("tune", "report"))
    assert (len(tune), len(report), tune & report) == (3, 3, set())


def test_text_without_places_is_scored_without_detection_recall(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.tif").write_bytes(b"image")
    (tmp_path / "a.txt").write_text("of the tuning half")
    (tmp_path / "b.gold.txt").write_text("first row\n\nsecond row\n")
    (tmp_path / "c.tif").write_bytes(b"an image without truth")
    (page,) = read_set("tesseract", tmp_path, "report", 9)
    assert [line.text for line in page.lines] == ["first row", "second row"]
    assert score(page.lines, page.lines).found is None


def test_a_folder_without_truth_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SetError, match="set empty: no second image with a truth"):
        read_set("empty", tmp_path / "nowhere", "report", 9)
