"""Python literals and JSON laid out over lines, so that a person finds their way in them."""

import re

_WIDTH = 88
_INDENT = "    "
_TOKEN = re.compile(
    r"""'(?:[^'\\]++|\\.)*+'|"(?:[^"\\]++|\\.)*+"|[\[({]|[\])}]|,\s*|:\s*|[^'"\[({\])},:]++|.""", re.DOTALL
)


def laid_out(text: str) -> str:
    """Return a literal in one line as one of many, brackets that do not fit into a line opened; the same value."""
    words = _TOKEN.findall(text)
    long = _long_brackets(words)
    pieces: list[str] = []
    is_open: list[bool] = []
    for number, word in enumerate(words):
        if word in "[({":
            is_open.append(number in long)
            pieces.append(word + (_line(is_open) if is_open[-1] else ""))
        elif word in "])}":
            if pieces[-1:] == [", "]:  # that of a tuple of one
                pieces[-1] = ","
            pieces.append((_line(is_open[:-1]) if is_open and is_open[-1] else "") + word)
            del is_open[-1:]
        elif word[0] == ",":
            pieces.append("," + _line(is_open) if is_open and is_open[-1] else ", ")
        else:
            pieces.append(": " if word[0] == ":" else word)
    return "".join(pieces)


def _line(is_open: list[bool]) -> str:
    return "\n" + _INDENT * sum(is_open)


def _long_brackets(words: list[str]) -> set[int]:
    """Return the numbers of the opening brackets whose content is too long for a line."""
    found: set[int] = set()
    waiting: list[tuple[int, int]] = []
    place = 0
    for number, word in enumerate(words):
        if word in "[({":
            waiting.append((number, place))
        elif word in "])}" and waiting:
            opened, start = waiting.pop()
            if place - start > _WIDTH and number > opened + 1:
                found.add(opened)
        place += len(word)
    return found


def same_ends(text: str) -> str | None:
    """Return the line end that all lines of a text have; None where they differ or none would be kept as it is."""
    if re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0\ufdd1\ufffc]", text):
        return None
    ends = set(re.findall("\r\n|\r|\n", text))
    return None if len(ends) > 1 else next(iter(ends), "\n")
