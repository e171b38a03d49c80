"""The output formats: goldens of one small result, and what holds for any text at all."""

import json
import re
from collections.abc import Callable, Iterator
from itertools import islice

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator
from lxml import etree
from markdown_it import MarkdownIt

from ocr_gateway.formats import alto, hocr, markdown, page_xml, text, tsv
from ocr_gateway.formats import json as json_format
from ocr_gateway.formats.characters import legible
from ocr_gateway.formats.negotiate import FORMATS
from ocr_gateway.formats.pieces import together
from ocr_gateway.formats.view import View
from ocr_gateway.formats.words import words_of
from ocr_gateway.result import Recognised, Results
from tests.support.process import ROOT
from tests.unit.format_cases import FIRST, RESULT, VIEW, line, results, word

GOLDEN = ROOT / "tests" / "golden" / "formats"
SUFFIX = {
    "json": "json",
    "text": "txt",
    "markdown": "md",
    "tsv": "tsv",
    "hocr": "hocr",
    "alto": "xml",
    "page": "xml",
}
ONE_PAGE = Recognised(Results(islice(RESULT.results, 1)), {})


@pytest.mark.parametrize("name", SUFFIX)
def test_a_result_of_three_pages_is_written_as_its_golden(name: str, request: pytest.FixtureRequest) -> None:
    content = together(FORMATS[name].render(RESULT, VIEW))
    golden = GOLDEN / f"{name}.{SUFFIX[name]}"
    if request.config.getoption("--update-golden"):
        golden.write_bytes(content)
    assert content == golden.read_bytes()


def test_the_published_schema_is_the_codes() -> None:
    published = json.loads((ROOT / "docs" / "schemas" / "ocr-result.v1.json").read_text())
    assert published == json_format.schema(), "run `make generate`"


@given(results())
def test_the_json_answer_is_valid_under_its_schema(result: Recognised) -> None:
    validator = Draft202012Validator(json_format.schema())
    for each in (result, RESULT):
        validator.validate(json.loads(together(json_format.render(each, VIEW))))


def spoken(result: Recognised) -> list[str]:
    """All words as every format has to give them back."""
    return [legible(word.text) for page in result.pages for line in page.lines for word in words_of(line)]


@pytest.mark.parametrize(
    ("render", "words"),
    [
        (hocr.render, "//*[@class='ocrx_word']/text()"),
        (alto.render, "//@CONTENT"),
        (page_xml.render, "//*[local-name()='Word']//*[local-name()='Unicode']/text()"),
    ],
)
@given(result=results())
def test_what_is_written_as_xml_is_xml_and_gives_any_words_back(
    render: Callable[[Recognised, View], Iterator[bytes]], words: str, result: Recognised
) -> None:
    assert etree.fromstring(together(render(result, VIEW))).xpath(words) == spoken(result)


@given(results())
def test_tsv_has_twelve_columns_and_gives_any_words_back(result: Recognised) -> None:
    table = together(tsv.render(result, VIEW)).decode()
    rows = [row.split("\t") for row in table.removesuffix("\n").split("\n")]
    assert {len(row) for row in rows} == {12}
    assert [row[11] for row in rows if row[0] == "5"] == spoken(result)


@given(results())
def test_plain_text_can_be_written_whatever_was_read(result: Recognised) -> None:
    assert together(text.render(result, VIEW)).endswith(b"\n")


@given(results())
def test_nothing_that_was_read_becomes_markup_in_markdown(result: Recognised) -> None:
    rendered = MarkdownIt().parse(together(markdown.render(result, VIEW)).decode())
    comment, *rest = rendered
    assert comment.content.strip() == "<!-- page 1 -->"
    assert {token.type for token in rest} <= {"paragraph_open", "inline", "paragraph_close"}
    inline = [child.type for token in rest for child in token.children or ()]
    assert set(inline) <= {"text"}


@pytest.mark.parametrize(
    "said",
    [
        "# no heading", "- no list", "+ no list", "* no list", "1. no list", "2) no list", "> no quote",
        "---", "===", "***", "```", "~~~", "    no code", "<script>alert(1)</script>",
        "<!-- no comment -->", "a `b` c", "[text](javascript:alert(1))", "![image](x)",
        "[label]: http://x", "<http://x>", "&lt;b&gt; &amp;", "a\\", "**bold** __bold__ ~~gone~~",
        "| a | b |", "2.50 EUR", "-5",
    ],
)  # fmt: skip
def test_what_looks_like_markdown_is_shown_as_it_was_read(said: str) -> None:
    rendered = MarkdownIt().enable(["table", "strikethrough"]).render(markdown.escaped(said.strip()))
    shown = rendered.removeprefix("<p>").removesuffix("</p>\n")
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        shown = shown.replace(entity, character)
    assert shown == said.strip()


@pytest.mark.parametrize(
    ("lines", "paragraphs"),
    [
        (["one line", "and the next"], ["one line and the next"]),
        (["deliv-", "ered"], ["delivered"]),
        (["deliv\u00ad", "ered"], ["delivered"]),
        (["Baden-", "Baden"], ["Baden-Baden"]),
        (["2025-", "2026"], ["2025-2026"]),
        (["Ein-", "und Ausgang"], ["Ein- und Ausgang"]),
        (["so -", "he said"], ["so - he said"]),
        (["日本語", "の文字"], ["日本語の文字"]),
        (["To buy:", "- rolls", "and bread", "- milk"], ["To buy:", "- rolls and bread", "- milk"]),
        (["1. first", "2. second"], ["1. first", "2. second"]),
        (["", "text", ""], ["text"]),
    ],
)
def test_lines_become_paragraphs(lines: list[str], paragraphs: list[str]) -> None:
    assert markdown.paragraphs(lines) == paragraphs


def test_the_words_of_a_line_are_the_model_servers_where_it_has_them() -> None:
    words = (word("Invoice", 40, 30, 80), word("2024", 135, 30, 75))
    assert words_of(line("Invoice 2024", 30, words=words)) == words


def test_a_line_read_as_a_whole_is_shared_by_its_words_in_proportion_along_its_slope() -> None:
    read = line(" ab  cde ", 30, fall=9)
    first, second = words_of(read)
    assert (first.text, second.text) == ("ab", "cde")
    assert first.polygon == ((50, 31), (70, 33), (70, 57), (50, 55))
    assert second.polygon == ((90, 35), (120, 38), (120, 62), (90, 59))
    assert second.bbox == (90, 35, 120, 62)
    assert second.confidence == read.confidence


def test_every_format_tells_the_numbers_of_selected_pages_and_which_of_them_failed() -> None:
    said = {name: together(FORMATS[name].render(RESULT, VIEW)).decode() for name in SUFFIX}
    assert re.findall(r"^1\t(\d+)\t.*\t(\d+)\t-1\t$", said["tsv"], re.MULTILINE) == [
        ("1", "400"),
        ("3", "0"),
        ("7", "20"),
    ]
    assert re.findall(r"ppageno (\d+)", said["hocr"]) == ["0", "2", "6"]
    assert re.findall(r"PHYSICAL_IMG_NR=\"(\d+)\"", said["alto"]) == ["1", "3", "7"]
    assert re.findall(r"page (\d+)", said["markdown"]) == ["1", "3", "7"]
    assert re.findall(r"imageFilename=\"page-(\d+)\"", said["page"]) == ["0001", "0003", "0007"]
    assert all("undecodable_image" in said[name] for name in ("hocr", "alto", "page", "markdown"))


def test_each_of_several_pages_is_a_whole_page_document() -> None:
    several = etree.fromstring(together(page_xml.render(RESULT, VIEW)))
    alone = etree.fromstring(together(page_xml.render(ONE_PAGE, VIEW)))
    assert [child.tag for child in several] == [alone.tag] * 3
    canonical = [etree.tostring(each, method="c14n2", strip_text=True) for each in (several[0], alone)]
    assert canonical[0] == canonical[1]


def test_a_line_that_rises_has_its_angle_and_a_sloping_one_its_baseline_in_hocr() -> None:
    written = together(hocr.render(ONE_PAGE, VIEW)).decode()
    titles = re.findall(r'class="ocr_line" id="\w+" title="([^"]+)"', written)
    assert titles[-1] == "bbox 500 100 530 350; textangle 90.0"
    assert titles[0] == "bbox 40 30 210 54; baseline 0.000 0"
    assert titles[2].endswith("baseline 0.010 -3")
    assert len(titles) == len(FIRST.lines)
