"""From the languages of a page to the characters that its lines can have.

A cut by script: Han signs where Chinese or Japanese is wanted, kana where Japanese is. Latin letters with all
their accents stay for every language, for names and brands stand in every text; so do digits, punctuation and
symbols. Which sign is of which script is Unicode's own data.
"""

import unicodedata
from collections.abc import Collection

_KANA = ("HIRAGANA", "KATAKANA")
_HAN_LANGUAGES = frozenset({"zh", "ja"})
_EAST_ASIAN_WIDTHS = frozenset("WFH")  # wide, fullwidth, halfwidth: https://www.unicode.org/reports/tr11/


def can_have(languages: Collection[str], character: str) -> bool:
    """Whether a text in one of the languages (BCP 47) can have the character; no languages mean all."""
    if not languages:
        return True
    subtags = {language.partition("-")[0] for language in languages}
    if unicodedata.name(character, "").startswith(_KANA):
        return "ja" in subtags
    return not _is_east_asian(character) or not subtags.isdisjoint(_HAN_LANGUAGES)


def _is_east_asian(character: str) -> bool:
    return (
        unicodedata.east_asian_width(character) in _EAST_ASIAN_WIDTHS
        and unicodedata.category(character) != "So"
    )
