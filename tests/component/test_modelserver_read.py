"""`ocr-modelserver read`: files in, text or JSON out."""

import json
import subprocess
import sys
from pathlib import Path

from tests.support.drawing import encoded, page


def read(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ocr_modelserver", "read", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_text_of_each_file_is_printed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(encoded(page([["invoice " + name]], width=500, height=200)))

    done = read(tmp_path / "one", tmp_path / "two", "--model", "fast")

    assert (done.returncode, done.stdout) == (0, "invoice one\ninvoice two\n")


def test_json_has_the_model_and_the_boxes(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(encoded(page([["invoice"]], width=500, height=200)))

    document = json.loads(read(tmp_path / "one.png", "--output", "json").stdout)

    assert document["model"]["name"] == "balanced"
    assert [line["text"] for line in document["pages"][0]["lines"]] == ["invoice"]


def test_a_file_that_is_no_image_or_not_there_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("notes")

    for name, says in (("notes.txt", "none of the image formats"), ("gone.png", "No such file")):
        done = read(tmp_path / name)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert says in done.stderr
