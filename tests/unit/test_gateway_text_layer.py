"""A PDF page's own text: lines and words of its glyphs, and when it is trusted."""

from ocr_gateway.documents.pdf_glyphs import placing
from ocr_gateway.documents.text_layer import Glyph, lines, trusted


def glyphs(text: str, top: float = 0, left: float = 0, *, hidden: bool = False) -> list[Glyph]:
    """A text of letters of 10 x 10 points; a new line is 12 below."""
    found, x, y = [], left, top
    for letter in text:
        found.append(Glyph(letter, (x, y, x + 10, y + 10), hidden))
        x, y = (left, y + 12) if letter == "\n" else (x + 10, y)
    return found


def test_words_end_at_spaces_and_lines_at_line_ends_with_boxes_around_their_letters() -> None:
    first, second = lines(glyphs("ab  cd\r\nef"))
    assert first.words == [("ab", (0, 0, 20, 10)), ("cd", (40, 0, 60, 10))]
    assert first.box == (0, 0, 60, 10)
    assert [text for text, _ in second.words] == ["ef"]


def test_lines_that_follow_are_one_block_and_a_gap_or_another_column_begins_the_next() -> None:
    page = glyphs("aa\nbb\n") + glyphs("cc\n", top=60) + glyphs("dd\n", top=0, left=300)
    assert [line.block for line in lines(page)] == [0, 0, 1, 2]


def test_what_cannot_be_read_is_left_out_and_a_line_of_it_is_none() -> None:
    page = [*glyphs("a\ufffdb\n\ufffd\ue000\n"), Glyph("x", (0, 0, 1, 1), unmapped=True)]
    assert [line.words[0][0] for line in lines(page)] == ["ab"]


def test_letters_and_their_accents_become_one_character() -> None:
    assert lines(glyphs("e\u0301"))[0].words[0][0] == "é"


def test_a_layer_of_real_characters_over_most_of_the_ink_is_trusted() -> None:
    assert trusted(glyphs("Invoice 2026\n"), covered=0.9)


def test_a_layer_is_not_trusted_when_it_is_empty_hidden_garbled_or_a_small_share_of_what_is_drawn() -> None:
    assert not trusted([], covered=1)
    assert not trusted(glyphs(" \r\n"), covered=1)
    assert not trusted(glyphs("Invoice 2026", hidden=True), covered=1)
    assert not trusted(glyphs("Inv\ufffdice 2026"), covered=1)
    assert not trusted(glyphs("Inv\ue011ice 2026"), covered=1)
    assert not trusted(glyphs("Invoice 2026"), covered=0.3)


def test_user_space_is_placed_as_the_turned_and_cut_page_shows_it() -> None:
    page, box = (10, 20, 110, 220), (10, 200, 30, 220)  # the box is in the upper left corner
    placed = {turn: placing(page, turn)(box) for turn in (0, 90, 180, 270)}
    assert placed == {
        0: (0, 0, 20, 20),
        90: (180, 0, 200, 20),
        180: (80, 180, 100, 200),
        270: (0, 80, 20, 100),
    }
