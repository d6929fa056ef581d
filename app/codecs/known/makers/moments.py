"""Models of dates, times, durations and time zones."""

from datetime import date, datetime, time, timedelta
from typing import Any

from app.codecs.known.makers.call import (
    Call,
    Maker,
    call_of,
    int_atom,
    integer,
    is_none,
    none_atom,
    number,
    octets_atom,
    text,
)
from app.codecs.known.states import FOLD_PROTOCOL, checked_zone_key, date_state, datetime_state, time_state
from app.codecs.model import Atom, Built, GlobalName, Items, Style, Value
from app.codecs.nodes import Kind

_DAY = timedelta(days=1)


def make_date(call: Call) -> Value:
    """Return ``datetime.date(year, month, day)``."""
    fields = _integers(call, call.bound("year", "month", "day"))
    try:
        value = date(**fields)
    except (ValueError, TypeError, OverflowError) as error:
        raise call.wrong(str(error)) from error
    return date_model(value, call.style)


def make_time(call: Call) -> Value:
    """Return ``datetime.time(hour, minute, second, microsecond, tzinfo, fold=0)``."""
    given = call.bound("hour", "minute", "second", "microsecond", "tzinfo", "fold")
    zone = _zone(call, given.pop("tzinfo", None))
    try:
        value = time(**_integers(call, given))
    except (ValueError, TypeError, OverflowError) as error:
        raise call.wrong(str(error)) from error
    _check_fold(call, value.fold)
    return time_model(value, zone, call.style)


def make_datetime(call: Call) -> Value:
    """Return ``datetime.datetime(year, month, day, hour…, tzinfo, fold=0)``."""
    given = call.bound("year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo", "fold")
    zone = _zone(call, given.pop("tzinfo", None))
    try:
        value = datetime(**_integers(call, given))  # noqa: DTZ001  # the zone stands beside it
    except (ValueError, TypeError, OverflowError) as error:
        raise call.wrong(str(error)) from error
    _check_fold(call, value.fold)
    return datetime_model(value, zone, call.style)


def make_timedelta(call: Call) -> Value:
    """Return ``datetime.timedelta(days, seconds, microseconds, milliseconds, minutes, hours, weeks)``."""
    given = call.bound("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks")
    try:
        value = timedelta(**{name: number(call, argument, name) for name, argument in given.items()})
    except (ValueError, OverflowError) as error:
        raise call.wrong(str(error)) from error
    return timedelta_model(value, call.style)


def make_timezone(call: Call) -> Value:
    """Return ``datetime.timezone(offset, name)``."""
    call.needs_python3()
    given = call.bound("offset", "name")
    offset = _duration(call, given.get("offset"))
    if abs(offset) >= _DAY:
        raise call.wrong("the offset must be less than 24 hours")
    args: list[Value] = [timedelta_model(offset, call.style)]
    if "name" in given:
        args.append(Atom(Kind.STR, text(call, given["name"], "name")))
    return call_of("datetime", "timezone", *args)


def make_zone_info(call: Call) -> Value:
    """Return ``zoneinfo.ZoneInfo(key)``."""
    call.needs_python3()
    given = call.bound("key")
    key = text(call, given.get("key", none_atom()), "key")
    checked_zone_key(key)
    method = call_of("builtins", "getattr", GlobalName("zoneinfo", "ZoneInfo"), Atom(Kind.STR, "_unpickle"))
    return Built(method, Items(Kind.TUPLE, [Atom(Kind.STR, key), Atom(Kind.INT, 1)]), is_call=True)


def utc_model(style: Style) -> Value:
    """Return ``datetime.timezone.utc``."""
    return make_timezone(Call("timezone.utc", [timedelta_model(timedelta(0), style)], {}, style))


def date_model(value: date, style: Style) -> Value:
    return call_of("datetime", "date", octets_atom(date_state(value), style))


def time_model(value: time, zone: Value | None, style: Style) -> Value:
    return call_of("datetime", "time", octets_atom(time_state(value), style), *_given(zone))


def datetime_model(value: datetime, zone: Value | None, style: Style) -> Value:
    return call_of("datetime", "datetime", octets_atom(datetime_state(value), style), *_given(zone))


def timedelta_model(value: timedelta, style: Style) -> Value:
    numbers = (value.days, value.seconds, value.microseconds)
    return call_of("datetime", "timedelta", *(int_atom(count, style) for count in numbers))


def _given(zone: Value | None) -> list[Value]:
    return [] if zone is None else [zone]


def _integers(call: Call, given: dict[str, Value]) -> dict[str, Any]:
    return {name: integer(call, value, name) for name, value in given.items()}


def _zone(call: Call, value: Value | None) -> Value | None:
    if value is None or is_none(value):
        return None
    if isinstance(value, Built):
        return value
    raise call.wrong("tzinfo must be a time zone, as timezone.utc")


def _check_fold(call: Call, fold: int) -> None:
    if fold and (call.style.is_python2 or call.style.protocol < FOLD_PROTOCOL):
        raise call.wrong(f"fold=1 is only kept since protocol {FOLD_PROTOCOL}")


def _duration(call: Call, value: Value | None) -> timedelta:
    """Return the duration that ``timedelta(…)`` made."""
    if isinstance(value, Built) and isinstance(value.cls, GlobalName) and value.cls.name == "timedelta":
        parts = value.args.items if isinstance(value.args, Items) else []
        return timedelta(*(integer(call, part, "offset") for part in parts))
    raise call.wrong("the offset must be written as timedelta(hours=1)")


MAKERS: dict[str, Maker] = {
    "datetime.date": make_date,
    "datetime.time": make_time,
    "datetime.datetime": make_datetime,
    "datetime.timedelta": make_timedelta,
    "datetime.timezone": make_timezone,
    "zoneinfo.ZoneInfo": make_zone_info,
}
