"""UUIDs, file paths, addresses of the internet, compiled patterns, exceptions and attributes of classes."""

import builtins
import ipaddress
import re
from collections.abc import Callable
from pathlib import PurePosixPath, PureWindowsPath
from typing import ClassVar
from uuid import UUID

from app.codecs.known.base import Known, KnownType, PlainText, Preview, type_name
from app.codecs.known.shape import Shape, class_name, integer, state_attributes, text
from app.codecs.nodes import Kind, PickleNodes
from app.codecs.screen import escape_text, quote_text, shorten

_SHOWN_CHARS = 200
_SHOWN_PARTS = 8
_EXCEPTIONS = (
    *(name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)),
    "StandardError",
)


class Uuids(KnownType):
    """A state that holds the number."""

    names: ClassVar[tuple[str, ...]] = ("uuid.UUID",)

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        state = state_attributes(nodes, shape)
        number = integer(nodes, state["int"]) if state and "int" in state and not shape.args else None
        if number is None or not 0 <= number < 1 << 128:
            return None
        value = str(UUID(int=number))
        return Known("uuid.UUID", value, PlainText(value))


class Paths(KnownType):
    """Called with the parts of the path, or its text since Python 3.12."""

    names: ClassVar[tuple[str, ...]] = tuple(
        f"{module}.{name}"
        for module in ("pathlib", "pathlib._local", "pathlib2")
        for name in ("PurePath", "Path", "PurePosixPath", "PosixPath", "PureWindowsPath", "WindowsPath")
    )

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        if not shape.is_bare_call:
            return None
        parts = [text(nodes, slot) for slot in shape.args]
        if None in parts:
            return None
        joined = (PureWindowsPath if "Windows" in shape.name else PurePosixPath)(*filter(None, parts))
        return Known(type_name(shape.name), quote_text(shorten(str(joined), _SHOWN_CHARS)), PlainText(str(joined)))


class Addresses(KnownType):
    """Called with the number of an address, or with the text of a network."""

    _makers: ClassVar[dict[str, Callable[[int | str], object]]] = {
        f"ipaddress.{maker.__name__}": maker
        for maker in (
            ipaddress.IPv4Address,
            ipaddress.IPv6Address,
            ipaddress.IPv4Network,
            ipaddress.IPv6Network,
            ipaddress.IPv4Interface,
            ipaddress.IPv6Interface,
        )
    }
    names: ClassVar[tuple[str, ...]] = tuple(_makers)

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        if len(shape.args) != 1 or not shape.is_bare_call:
            return None
        given = integer(nodes, shape.args[0]) if nodes.kind(shape.args[0]) is not Kind.STR else None
        argument = text(nodes, shape.args[0]) if given is None else given
        if argument is None or (isinstance(argument, str) and len(argument) > _SHOWN_CHARS):
            return None
        try:
            value = str(self._makers[shape.name](argument))
        except ValueError:
            return None
        return Known(shape.name, escape_text(value), PlainText(value))


class Patterns(KnownType):
    """A compiled regular expression: its text and flags. It is not compiled."""

    names: ClassVar[tuple[str, ...]] = ("re._compile", "sre._compile")

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        flags = integer(nodes, shape.args[1]) if len(shape.args) == 2 and shape.is_bare_call else None
        if flags is None or not 0 <= flags < 1 << 16:
            return None
        if nodes.kind(shape.args[0]) not in (Kind.STR, Kind.STR2, Kind.BYTES):
            return None
        names = "|".join(f"re.{flag.name}" for flag in re.RegexFlag if flag & flags and flag.name)
        return Known("re.Pattern", f"re.compile({preview(shape.args[0])}{', ' + names if names else ''})")


class Exceptions(KnownType):
    """Builtin exceptions, called with their arguments."""

    names: ClassVar[tuple[str, ...]] = tuple(
        f"{module}.{name}" for name in _EXCEPTIONS for module in ("builtins", "exceptions")
    )

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        if shape.listitems or shape.dictitems or shape.kwargs:
            return None
        name = type_name(shape.name)
        shown = [preview(slot) for slot in shape.args[:_SHOWN_PARTS]]
        for state in shape.states:
            pairs = nodes.pairs(state, 0, _SHOWN_PARTS) if nodes.kind(state) is Kind.DICT else []
            shown += (f"{_attribute_name(nodes, key) or preview(key)}={preview(value)}" for key, value in pairs)
        return Known(name, f"{name}({', '.join(shown)})")


def _attribute_name(nodes: PickleNodes, key: int) -> str:
    return escape_text(shorten(text(nodes, key) or "", _SHOWN_CHARS))


class Attributes(KnownType):
    """``getattr`` of a class: a member of an Enum, or a nested class."""

    names: ClassVar[tuple[str, ...]] = ("builtins.getattr", "__builtin__.getattr")

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        if len(shape.args) != 2 or not shape.is_bare_call:
            return None
        owner = class_name(nodes, shape.args[0])
        attribute = text(nodes, shape.args[1])
        if not owner or not attribute:
            return None
        value = f"{owner}.{attribute}"
        return Known(escape_text(type_name(owner)), escape_text(shorten(value, _SHOWN_CHARS)), PlainText(value))


TYPES: tuple[KnownType, ...] = (Uuids(), Paths(), Addresses(), Patterns(), Exceptions(), Attributes())
