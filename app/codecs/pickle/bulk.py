"""Many small values at once: plain JSON and misses of a search, told without the machine where that is proved."""

import json
import re

from app import limits
from app.codecs.findings import Query
from app.codecs.matching import Matcher
from app.codecs.pickle.admission import plain_pushes
from app.codecs.plain.scalars import escape_surrogates

_DEPTH = limits.PLAIN_DEPTH // 2
"""Levels of containers that are written without the machine, which cuts what is nested deeper."""

_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":")).encode

_IN_NUMBERS = frozenset("0123456789.e+-infaNoTrueFls")
"""What the texts of numbers, None and booleans are made of."""

_MAY_HOLD = re.compile(r"\s*[{\[]|gA")
"""Texts that could be values of their own: JSON, or a pickle in base64."""


def plain_json(data: bytes) -> str | None:
    """Return the plain JSON of a pickle, as the machine's would be; None where only that can tell.

    For engine processes alone: it unpickles what `guard` admits.
    """
    from app.codecs.pickle.guard import plain_value  # noqa: PLC0415 - no other process so much as loads an unpickler

    plain = plain_value(data)
    if plain is None or plain.depth > _DEPTH or not plain.has_text_keys:
        return None
    try:
        return escape_surrogates(_encode(plain.root))
    except ValueError:
        return None  # a number that JSON does not have


class Misses:
    """Tells of values, for one query, that nothing in them matches."""

    def __init__(self, query: Query, matcher: Matcher, *, unpickles: bool) -> None:
        """``unpickles``: what `guard` admits is unpickled, which only engine processes may."""
        self._matcher = matcher
        self._unpickles = unpickles
        is_text = not (query.is_regex or query.ignores_case or _IN_NUMBERS.issuperset(query.pattern))
        self._only_in_texts = query.pattern.encode("utf-8", "surrogatepass") if is_text else b""

    def surely(self, data: bytes) -> bool:
        """Tell whether a pickle and all that is inside of it are sure not to match; False where that is not known."""
        wanted = self._only_in_texts
        if wanted and b"{" not in data and b"[" not in data and b"gA" not in data:
            return wanted not in data and plain_pushes(data) > 0  # texts stand in it as UTF-8
        if not self._unpickles:
            return False
        from app.codecs.pickle.guard import plain_value  # noqa: PLC0415 - see above

        plain = plain_value(data)
        return plain is not None and not self._any_matches(plain.root)

    def _any_matches(self, root: object) -> bool:
        in_text = self._matcher.in_text
        waiting = [root]
        while waiting:
            value = waiting.pop()
            if isinstance(value, str):
                if in_text(value) is not None or _MAY_HOLD.match(value):
                    return True
            elif isinstance(value, dict):
                waiting += value
                waiting += value.values()
            elif isinstance(value, list | tuple):
                waiting += value
            elif in_text(repr(value)) is not None:
                return True
        return False
