"""`ocr-modelserver read`: files in, text or JSON out."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tests.support.drawing import encoded, page


def read(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ocr_modelserver", "read", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_text_of_each_file_is_printed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(encoded(page([["invoice " + name]], width=500, height=200)))

    done = read(tmp_path / "one", tmp_path / "two", "--model", "fast")

    assert (done.returncode, done.stdout) == (0, "invoice one\ninvoice two\n")


def test_the_picture_shows_each_line_in_a_colour_on_the_faded_page(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(encoded(page([["invoice one"]], width=500, height=200)))

    assert read(tmp_path / "one.png", "--show").stdout == "invoice one\n"

    picture = Image.open(tmp_path / "one.png.ocr.png")
    assert picture.size == (500, 200)
    coloured = np.ptp(np.asarray(picture).astype(int), axis=2) > 100
    rows, columns = np.flatnonzero(coloured.any(axis=1)), np.flatnonzero(coloured.any(axis=0))
    assert 30 < rows[0] < 60
    assert 60 < rows[-1] < 100
    assert 10 < columns[0] < 60
    assert 180 < columns[-1] < 260


def test_a_reader_that_has_gone_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(encoded(page([["invoice one"]], width=500, height=200)))
    command = [sys.executable, "-m", "ocr_modelserver", "read", str(tmp_path / "one"), "--model", "fast"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
        assert (process.wait(120), said) == (1, "")


def test_a_picture_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(encoded(page([["invoice"]], width=500, height=200)))
    (tmp_path / "one.png.ocr.png").mkdir()

    done = read(tmp_path / "one.png", "--show")

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "one.png.ocr.png: Is a directory" in done.stderr


def test_json_has_the_model_the_boxes_the_words_and_their_paragraph(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(encoded(page([["invoice one"]], width=500, height=200)))

    document = json.loads(read(tmp_path / "one.png", "--output", "json").stdout)

    assert document["model"]["name"] == "balanced"
    (line,) = document["pages"][0]["lines"]
    assert (line["text"], line["block"]) == ("invoice one", 0)
    assert [word["text"] for word in line["words"]] == ["invoice", "one"]


def test_a_file_that_is_no_image_or_not_there_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("notes")

    for name, says in (("notes.txt", "none of the image formats"), ("gone.png", "No such file")):
        done = read(tmp_path / name)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert says in done.stderr


def with_signs(image: Image.Image) -> Image.Image:
    """The image with 日 and 中 drawn in a line of their own; Pillow's font has neither."""
    draw = ImageDraw.Draw(image)
    for corners in ((60, 120, 90, 160), (110, 128, 150, 148)):
        draw.rectangle(corners, outline="black", width=3)
    draw.line((60, 140, 90, 140), "black", 3)
    draw.line((130, 116, 130, 164), "black", 3)
    return image


def test_only_characters_of_the_wanted_languages_are_read(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(encoded(with_signs(page([["invoice 4711"]], width=500, height=200))))

    every, english = (
        read(tmp_path / "one.png", *flags).stdout.splitlines() for flags in ([], ["--languages", "en,de"])
    )

    assert every == ["invoice 4711", "日中"]
    assert english[0] == "invoice 4711"
    assert max("".join(english)) < "\u2e80"  # where the CJK blocks start


def test_a_language_that_is_not_read_is_one_line(tmp_path: Path) -> None:
    done = read(tmp_path / "one.png", "--languages", "en,ru")

    assert done.returncode == 1
    assert done.stderr.startswith("ocr-modelserver: model balanced reads the languages zh, zh-Hant, en, ja,")
    assert done.stderr.endswith("not 'ru'\n")
