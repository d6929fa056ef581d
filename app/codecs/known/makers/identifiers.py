"""Models of UUIDs, paths, addresses of the internet, compiled patterns and builtin exceptions."""

import ipaddress
import re
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID

from app.codecs.known.makers.call import Call, Maker, call_of, int_atom, integer, native_text, none_atom, text
from app.codecs.known.names import EXCEPTIONS, PYTHON2_EXCEPTIONS
from app.codecs.model import Atom, Built, GlobalName, Items, Pairs, Style, Value
from app.codecs.nodes import Kind, Scalar

_PATHS: dict[str, type[PurePath]] = {
    "PurePosixPath": PurePosixPath,
    "PosixPath": PurePosixPath,
    "PureWindowsPath": PureWindowsPath,
    "WindowsPath": PureWindowsPath,
}
_PLAIN_PATHS = {"Path": "PosixPath", "PurePath": "PurePosixPath"}
_ADDRESSES: dict[str, Callable[[int | str], object]] = {
    "IPv4Address": ipaddress.IPv4Address,
    "IPv6Address": ipaddress.IPv6Address,
    "IPv4Network": ipaddress.IPv4Network,
    "IPv6Network": ipaddress.IPv6Network,
    "IPv4Interface": ipaddress.IPv4Interface,
    "IPv6Interface": ipaddress.IPv6Interface,
}
_MOST_PATTERN_CHARS = 4000
"""Characters of a pattern that is tried out; a longer one is refused, as it may be wrong."""


def make_uuid(call: Call) -> Value:
    """Return ``UUID(hex)``, or ``UUID(int=…)``."""
    given = call.bound("hex", "int") if "hex" in call.kwargs or call.args else call.bound("int")
    if len(given) != 1:
        raise call.wrong("it takes one text of 32 hexadecimal digits")
    if "int" in given:
        return uuid_model(uuid_number(call, integer(call, given["int"], "int")), call.style)
    return uuid_model(uuid_of(call, text(call, given["hex"], "hex")), call.style)


def uuid_number(call: Call, value: int) -> int:
    """Return a number that a UUID can have."""
    if not 0 <= value < 1 << 128:
        raise call.wrong("the number must have at most 128 bits")
    return value


def uuid_of(call: Call, given: str) -> int:
    """Return the number of a UUID that is written in one of its usual ways."""
    try:
        return UUID(given).int
    except ValueError as error:
        raise call.wrong("write 32 hexadecimal digits, as 12345678-1234-5678-1234-567812345678") from error


def uuid_model(value: int, style: Style) -> Value:
    """Return a UUID: an object without arguments, whose state holds its number (a long in Python 2)."""
    made = _without_init(GlobalName("uuid", "UUID"), style)
    made.states.append(Pairs([(native_text("int", style), Atom(Kind.LONG if style.is_python2 else Kind.INT, value))]))
    return made


def _without_init(cls: GlobalName, style: Style) -> Built:
    """Return an object that only its class is needed for: protocols 0 and 1 have a function of copyreg do it."""
    if style.protocol < 2:
        return call_of("copyreg", "_reconstructor", cls, GlobalName("builtins", "object"), none_atom())
    return Built(cls, Items(Kind.TUPLE))


def make_path(name: str, call: Call) -> Value:
    """Return a path of ``pathlib``; ``Path`` is one of POSIX."""
    call.needs_python3()
    if call.kwargs:
        raise call.wrong("it takes texts")
    parts = [text(call, value, "a part") for value in call.args]
    if any("\0" in part for part in parts):
        raise call.wrong("a path has no NUL in it")
    return call_of("pathlib", name, *(Atom(Kind.STR, part) for part in _PATHS[name](*parts).parts))


def make_address(name: str, call: Call) -> Value:
    """Return an address, network or interface of ``ipaddress``: of a number for IPv4 addresses, else of its text."""
    call.needs_python3()
    given = call.bound("address").get("address", none_atom())
    is_number = isinstance(given, Atom) and given.kind is Kind.INT
    argument = integer(call, given, "the number") if is_number else text(call, given, "the address")
    return address_model(name, address_text(call, name, argument))


def address_text(call: Call, name: str, given: int | str) -> str:
    """Return the text of an address, which may have its bits of the host set where that is allowed."""
    try:
        return str(_ADDRESSES[name](given))
    except ValueError as error:
        raise call.wrong(str(error)) from error


def address_model(name: str, value: str) -> Value:
    if name == "IPv4Address":
        return call_of("ipaddress", name, Atom(Kind.INT, int(ipaddress.IPv4Address(value))))
    return call_of("ipaddress", name, Atom(Kind.STR, value))


def make_pattern(call: Call) -> Value:
    """Return ``re.compile(pattern, flags)``: Python 3 adds the flag UNICODE to the flags of a text."""
    given = call.bound("pattern", "flags")
    pattern = given.get("pattern", none_atom())
    if not isinstance(pattern, Atom) or pattern.kind not in (Kind.STR, Kind.STR2, Kind.BYTES):
        raise call.wrong("the pattern must be a text or bytes")
    flags = integer(call, given["flags"], "flags") if "flags" in given else 0
    if not 0 <= flags < 1 << 9:
        raise call.wrong("these flags are unknown")
    source = pattern.value if isinstance(pattern.value, (str, bytes)) else ""
    why = why_no_pattern(source, flags & ~re.UNICODE)
    if why:
        raise call.wrong(why)
    if not call.style.is_python2:
        flags |= _compiled(source, flags & ~re.UNICODE).flags  # those of ``(?i)`` too
    return call_of("re", "_compile", pattern, int_atom(int(flags), call.style))


def why_no_pattern(source: Scalar, flags: int) -> str:
    """Return why Python would refuse a pattern when it loads the pickle; empty where it takes it."""
    if not isinstance(source, (str, bytes)):
        return "it is neither a text nor bytes"
    if len(source) > _MOST_PATTERN_CHARS:
        return f"a pattern of more than {_MOST_PATTERN_CHARS:,} characters cannot be checked"
    try:
        _compiled(source, flags)
    except (re.error, ValueError, OverflowError, RecursionError) as error:
        return f"the pattern is wrong: {error}"
    return ""


def _compiled(source: str | bytes, flags: int) -> re.Pattern[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # doubtful, and yet a pattern
        return re.compile(source, flags & ~(re.DEBUG | re.TEMPLATE))


def make_exception(name: str, call: Call) -> Value:
    """Return a builtin exception of its arguments."""
    if call.kwargs:
        raise call.wrong("it takes no named values")
    if name not in PYTHON2_EXCEPTIONS:
        call.needs_python3()
    return call_of("builtins", name, *call.args)


MAKERS: dict[str, Maker] = {
    "uuid.UUID": make_uuid,
    "re.compile": make_pattern,
    **{f"pathlib.{name}": partial(make_path, name) for name in _PATHS},
    **{f"pathlib.{name}": partial(make_path, of) for name, of in _PLAIN_PATHS.items()},
    **{f"ipaddress.{name}": partial(make_address, name) for name in _ADDRESSES},
    **{f"builtins.{name}": partial(make_exception, name) for name in EXCEPTIONS},
}
