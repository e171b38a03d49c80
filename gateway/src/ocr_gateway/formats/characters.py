"""What formats for people and programs cannot hold, taken out of recognised text."""

import re

# Tab, line breaks and their Unicode kin: within a line of text all of them are a gap.
_GAPS = re.compile("[\t\n\x0b\x0c\r\x85\u2028\u2029]+")
# What no XML 1.0 document may hold, not even escaped (XML 1.0, production 2), and the C1 controls.
_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def legible(text: str) -> str:
    """The text on one line: tabs and line breaks as a space, what is no character as U+FFFD.

    A text that says something still says something: words neither vanish nor fall apart.
    """
    return _UNPRINTABLE.sub("\ufffd", _GAPS.sub(" ", text))
