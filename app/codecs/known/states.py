"""The states of dates, times and zones: big-endian fields, as Modules/_datetimemodule.c writes them; keys of zones."""

from datetime import date, datetime, time

from app.errors import EncodeError

FOLD_PROTOCOL = 4
"""The first protocol in which Python writes ``fold``, as the high bit of the month or of a time's hour."""

_FOLD = 0x80


def date_state(value: date) -> bytes:
    """Return the four bytes of year, month and day."""
    return bytes((*value.year.to_bytes(2, "big"), value.month, value.day))


def time_state(value: time) -> bytes:
    """Return the six bytes of hour, minute, second and microsecond; the time zone is no part of them."""
    clock = (value.hour | _FOLD * value.fold, value.minute, value.second)
    return bytes((*clock, *value.microsecond.to_bytes(3, "big")))


def datetime_state(value: datetime) -> bytes:
    """Return the ten bytes of date and time; the time zone is no part of them."""
    day = (*value.year.to_bytes(2, "big"), value.month | _FOLD * value.fold, value.day)
    return bytes((*day, *time_state(value.time().replace(fold=0))))


def checked_zone_key(key: str) -> str:
    """Return the key of a zone that could be one: ``zoneinfo`` makes it part of a path where the pickle is loaded.

    Raises:
        EncodeError: it is none.
    """
    if not key.isprintable() or not key or key.startswith("/") or "\\" in key or ".." in key.split("/"):
        raise EncodeError("The key of a time zone must be a name such as 'Europe/Berlin'.")
    return key
