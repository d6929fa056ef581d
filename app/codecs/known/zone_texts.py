"""Time zones as people write them behind a time: ``+01:00``, ``Z``, ``[Europe/Berlin]``."""

from app.codecs.known.makers import moments
from app.codecs.known.makers.call import Call
from app.codecs.known.moment_texts import offset_of
from app.codecs.model import Atom, Style, Value
from app.codecs.nodes import Kind
from app.codecs.screen import escape_text, shorten
from app.errors import EncodeError

_SHOWN_CHARS = 60


def zone_written(suffix: str, style: Style) -> Value | None:
    """Return the time zone that stands behind a time, None for no text.

    Raises:
        EncodeError: it is none that can be made; says what to write.
    """
    given = suffix.strip()
    if not given:
        return None
    if given.startswith("[") and given.endswith("]"):
        return moments.make_zone_info(Call("ZoneInfo", [Atom(Kind.STR, given[1:-1])], {}, style))
    offset = offset_of(given)
    if offset is None:
        shown = escape_text(shorten(given, _SHOWN_CHARS))
        if given[0].isdigit():
            raise EncodeError(f"{shown} is no time; write it as 13:45 or 13:45:00.")
        raise EncodeError(
            f"{shown} is no time zone that can be made; write +01:00 or [Europe/Berlin], or keep the old."
        )
    return moments.make_timezone(Call("timezone", [moments.timedelta_model(offset, style)], {}, style))
