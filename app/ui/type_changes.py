"""What a value becomes as another type: the literal to start from, and whether nothing is left to be said."""

import re
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite

from app.cancel import CancelToken
from app.codecs.literals.reading import parse_value
from app.codecs.model import Style
from app.errors import EncodeError

TARGETS = (
    *("str", "int", "float", "bool", "None", "bytes"),
    *("list", "tuple", "dict", "set"),
    *("datetime.datetime", "datetime.date", "decimal.Decimal"),
)
"""Types that a node can be made, as a menu lists them."""

_TEMPLATES = {
    "str": "''", "int": "0", "float": "0.0", "bool": "False", "None": "None", "bytes": "b''",
    "list": "[]", "tuple": "()", "dict": "{}", "set": "set()",
    "datetime.datetime": "datetime.datetime(2026, 1, 1, 0, 0)", "datetime.date": "datetime.date(2026, 1, 1)",
    "decimal.Decimal": "decimal.Decimal('0')",
}  # fmt: skip
_INT = re.compile(r"[+-]?\d+\Z")
_WHOLE = re.compile(r"-?(0|[1-9]\d*)\Z")
_PADDED = re.compile(r"'\+?(-?)0*(\d+)'\Z")
"""The text of an integer with a sign or zeros that an integer does not keep."""
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?\Z")
_MOMENT_CALL = re.compile(r"datetime\.datetime\((\d+, \d+, \d+)[,)]")
_DATE_CALL = re.compile(r"datetime\.date\((\d+, \d+, \d+)\)\Z")
_FROZEN = re.compile(r"frozenset\((.*)\)\Z", re.DOTALL)
_QUOTED = re.compile(r"[uU]?'([^'\\]*)'\Z|[uU]?\"([^\"\\]*)\"\Z")
_WITHIN_QUOTES = re.compile(r"[\w.]+\('([^'\\]*)'\)\Z|b'([^'\\]*)'\Z")
_LISTS = {"list": ("[", "]"), "tuple": ("(", ")"), "set": ("{", "}")}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A literal of the new type. ``is_certain``: it says all that the old value said, so nobody has to look at it.

    ``is_fresh``: it says nothing of it.
    """

    literal: str
    is_certain: bool = False
    is_fresh: bool = False


def candidate(literal: str, target: str) -> Candidate:
    """Return what a literal becomes as another type; an empty one is that of a value that has none."""
    literal = literal.strip()
    found = _converted(literal, target) if literal else None
    if found is not None:
        keeps_all = target != "set" or literal.startswith("frozenset")  # a set may hold less than a list
        return Candidate(found, is_certain=keeps_all and _is_literal(found))
    about = _about(literal, target)
    return Candidate(_TEMPLATES[target], is_fresh=True) if about is None else Candidate(about)


def _about(literal: str, target: str) -> str | None:
    """Return what is left of a value in a type that cannot hold all of it, None where that is nothing."""
    padded = _PADDED.match(literal)
    if padded is not None and target == "int":
        return f"{padded[1]}{padded[2]}"
    moment = _MOMENT_CALL.match(literal)
    if moment is not None and target == "datetime.date":
        return f"datetime.date({moment[1]})"
    if _INT.match(literal) and target == "float":
        return repr(float(literal)) if isfinite(float(literal)) else None
    if _FLOAT.match(literal) and target in ("int", "bool"):
        return str(bool(float(literal))) if target == "bool" else _truncated(literal)
    return None


def _truncated(number: str) -> str:
    return str(int(Decimal(number)))


def _is_literal(text: str) -> bool:
    try:
        parse_value(text, Style(), CancelToken())
    except EncodeError:
        return False
    return True


def _converted(literal: str, target: str) -> str | None:
    quoted = _QUOTED.match(literal)
    text = (quoted[1] or quoted[2] or "") if quoted else literal
    date = _DATE_CALL.match(literal)
    if date is not None and target == "datetime.datetime":
        return f"datetime.datetime({date[1]}, 0, 0)"
    if target == "None":
        return "None"
    if target in _LISTS:
        return _as_list(literal, target)
    if target == "str":
        plain = _plain(literal)
        return None if plain is None else repr(plain)
    return _as_scalar(text, target, is_text=quoted is not None)


def _plain(literal: str) -> str | None:
    """Return the text of a number, bool, ASCII bytes or a call with one text; None where it is another one."""
    inner = _WITHIN_QUOTES.match(literal)
    if inner is not None:
        return inner[1] or inner[2] or ""
    return literal if _FLOAT.match(literal) or literal in ("True", "False") else None


def _as_scalar(text: str, target: str, *, is_text: bool) -> str | None:
    number = text if _FLOAT.match(text) else {"True": "1", "False": "0"}.get(text)
    match target:
        case "bytes":
            return f"b{text!r}" if is_text and text.isascii() else None
        case "bool":
            return {"1": "True", "0": "False", "True": "True", "False": "False"}.get(text)
        case "datetime.date" | "datetime.datetime":
            return _as_moment(text, target)
    return _as_number(number, target) if number else None


def _as_number(number: str, target: str) -> str | None:
    if target == "decimal.Decimal":
        return f"decimal.Decimal({number!r})"
    if target == "float":
        return _as_float(number)
    whole = number.removesuffix(".0")
    return whole if target == "int" and _WHOLE.match(whole) else None


def _as_float(number: str) -> str | None:
    """Return a number as a float that has all its digits; None where none has."""
    as_float = float(number)
    is_exact = isfinite(as_float) and Decimal(repr(as_float)) == Decimal(number)
    return (f"{number}.0" if _INT.match(number) else number) if is_exact else None


def _as_moment(text: str, target: str) -> str | None:
    moment = _DATE.match(text)
    if moment is None:
        return None
    parts = [int(part) for part in moment.groups(default="0")]
    count = len(("year", "month", "day")) if target.endswith(".date") else len(parts)
    return f"{target}({', '.join(map(str, parts[:count]))})"


def _as_list(literal: str, target: str) -> str | None:
    """Return a list, tuple or set in the brackets of another; None where it is none of them."""
    opened, closed = _LISTS[target]
    frozen = _FROZEN.match(literal)
    if frozen is not None:
        literal = frozen[1] or "set()"
    if literal == "set()":
        inside = ""
    elif literal[:1] == "[" or _is_tuple(literal) or (literal[:1] == "{" and _is_set(literal)):
        inside = literal[1:-1].rstrip().removesuffix(",")
    else:
        return None
    if not inside.strip():
        return {"list": "[]", "tuple": "()", "set": "set()"}[target]
    has_one = target == "tuple" and not _has_comma(inside)
    return f"{opened}{inside}{',' if has_one else ''}{closed}"


def _is_tuple(literal: str) -> bool:
    """Tell it from a complex number, which is in the same brackets."""
    return literal[:1] == "(" and (literal == "()" or _has_comma(literal[1:-1]))


def _is_set(literal: str) -> bool:
    return ":" not in _outside(literal[1:-1])


def _has_comma(inside: str) -> bool:
    return "," in _outside(inside)


def _outside(text: str) -> str:
    """Return what stands outside of all quotes and brackets."""
    without_texts = re.sub(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", "", text, flags=re.DOTALL)
    depth = 0
    kept = []
    for letter in without_texts:
        depth += (letter in "[({") - (letter in "])}")
        if depth == 0 and letter not in "])}":
            kept.append(letter)
    return "".join(kept)
