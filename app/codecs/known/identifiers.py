"""UUIDs, file paths, addresses of the internet, compiled patterns, exceptions and attributes of classes."""

import builtins
import ipaddress
import re
from collections.abc import Callable
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import ClassVar
from uuid import UUID

from app.codecs.known.base import Known, KnownType, Patches, PlainText, Preview, type_name
from app.codecs.known.makers.call import native_text
from app.codecs.known.makers.identifiers import why_no_pattern
from app.codecs.known.replacing import arguments_patch, int_patch, not_a, text_patch
from app.codecs.known.shape import Shape, class_name, integer, state_attributes, text
from app.codecs.literals.scalars import format_literal, parse_literal
from app.codecs.model import Atom, Style, Value
from app.codecs.nodes import Kind, PickleNodes
from app.codecs.screen import escape_text, quote_text, shorten
from app.errors import EncodeError

_SHOWN_CHARS = 200
_SHOWN_PARTS = 8
_EXCEPTIONS = (
    *(name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)),
    "StandardError",
    "WindowsError",
    "PythonFinalizationError",
)


class Uuids(KnownType):
    """A state that holds the number."""

    names: ClassVar[tuple[str, ...]] = ("uuid.UUID",)
    editor: ClassVar[str] = "uuid"

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        value = self.literal(nodes, shape)
        return None if value is None else Known("uuid.UUID", value, PlainText(value))

    def literal(self, nodes: PickleNodes, shape: Shape) -> str | None:
        state = state_attributes(nodes, shape)
        number = integer(nodes, state["int"]) if state and "int" in state and not shape.args else None
        return None if number is None or not 0 <= number < 1 << 128 else str(UUID(int=number))

    def replaced(self, nodes: PickleNodes, shape: Shape, text: str, style: Style) -> Patches:
        try:
            number = UUID(text.strip()).int
        except ValueError as error:
            raise not_a("a UUID", text, "12345678-1234-5678-1234-567812345678") from error
        return int_patch(nodes, (state_attributes(nodes, shape) or {})["int"], number, style)


class Paths(KnownType):
    """Called with the parts of the path, or its text since Python 3.12."""

    names: ClassVar[tuple[str, ...]] = tuple(
        f"{module}.{name}"
        for module in ("pathlib", "pathlib._local", "pathlib2")
        for name in ("PurePath", "Path", "PurePosixPath", "PosixPath", "PureWindowsPath", "WindowsPath")
    )
    editor: ClassVar[str] = "path"

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        joined = self._joined(nodes, shape)
        if joined is None:
            return None
        return Known(type_name(shape.name), quote_text(shorten(joined, _SHOWN_CHARS)), PlainText(joined))

    def _joined(self, nodes: PickleNodes, shape: Shape) -> str | None:
        parts = [text(nodes, slot) for slot in shape.args] if shape.is_bare_call else [None]
        return None if None in parts else str(_pure(shape)(*filter(None, parts)))

    def literal(self, nodes: PickleNodes, shape: Shape) -> str | None:
        joined = self._joined(nodes, shape)
        return None if joined is None else quote_text(joined)

    def replaced(self, nodes: PickleNodes, shape: Shape, text: str, style: Style) -> Patches:
        """Return the text of the one argument changed, or the parts that differ.

        A text without quotes is a path as it is.
        """
        given = text.strip()
        written = parse_literal(given, Kind.STR) if given[:1] in ("'", '"') else given
        path = _pure(shape)(str(written))
        if "\0" in str(path):
            raise EncodeError("A path has no NUL in it.")
        if str(path) == self._joined(nodes, shape):
            return {}
        parts = [str(path)] if "._local." in shape.name else path.parts
        if len(parts) != len(shape.args):
            return arguments_patch(shape, [native_text(part, style) for part in parts])
        patches: dict[int, Value] = {}
        for slot, part in zip(shape.args, parts, strict=True):
            patches.update(text_patch(nodes, slot, part))
        return patches


def _pure(shape: Shape) -> type[PurePath]:
    return PureWindowsPath if "Windows" in shape.name else PurePosixPath


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
    editor: ClassVar[str] = "address"

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        value = self._value(nodes, shape)
        return None if value is None else Known(shape.name, escape_text(value), PlainText(value))

    def _value(self, nodes: PickleNodes, shape: Shape) -> str | None:
        if len(shape.args) != 1 or not shape.is_bare_call:
            return None
        given = integer(nodes, shape.args[0]) if nodes.kind(shape.args[0]) is not Kind.STR else None
        argument = text(nodes, shape.args[0]) if given is None else given
        if argument is None or (isinstance(argument, str) and len(argument) > _SHOWN_CHARS):
            return None
        try:
            return str(self._makers[shape.name](argument))
        except ValueError:
            return None

    def literal(self, nodes: PickleNodes, shape: Shape) -> str | None:
        value = self._value(nodes, shape)
        return None if value is None else escape_text(value)

    def replaced(self, nodes: PickleNodes, shape: Shape, text: str, style: Style) -> Patches:
        given = text.strip()
        if given == self.literal(nodes, shape):
            return {}
        try:
            made = self._makers[shape.name](given)
        except ValueError as error:
            raise EncodeError(f"That is no {type_name(shape.name)}: {escape_text(str(error)).rstrip('.')}.") from error
        if nodes.kind(shape.args[0]) is Kind.STR:
            return text_patch(nodes, shape.args[0], str(made))
        if isinstance(made, ipaddress.IPv6Address) and made.scope_id:
            raise EncodeError("This address is written as a number, which has no place for a scope.")
        if not isinstance(made, (ipaddress.IPv4Address, ipaddress.IPv6Address)):
            raise EncodeError(f"This {type_name(shape.name)} is written as a number, which cannot name another.")
        return int_patch(nodes, shape.args[0], int(made), style)


class Patterns(KnownType):
    """A compiled regular expression: its text and flags. It is not compiled."""

    names: ClassVar[tuple[str, ...]] = ("re._compile", "sre._compile")
    editor: ClassVar[str] = "pattern"

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        flags = integer(nodes, shape.args[1]) if len(shape.args) == 2 and shape.is_bare_call else None
        if flags is None or not 0 <= flags < 1 << 16:
            return None
        if nodes.kind(shape.args[0]) not in (Kind.STR, Kind.STR2, Kind.BYTES):
            return None
        names = "|".join(f"re.{flag.name}" for flag in re.RegexFlag if flag & flags and flag.name)
        return Known("re.Pattern", f"re.compile({preview(shape.args[0])}{', ' + names if names else ''})")

    def literal(self, nodes: PickleNodes, shape: Shape) -> str | None:
        """Return the pattern in quotes, without its flags."""
        slot = shape.args[0]
        return format_literal(nodes.scalar(slot), nodes.kind(slot), is_python2=nodes.is_python2)

    def replaced(self, nodes: PickleNodes, shape: Shape, text: str, style: Style) -> Patches:
        """Return another pattern of the same kind of text; the flags stay."""
        slot = shape.args[0]
        kind = nodes.kind(slot)
        pattern = parse_literal(text, kind, is_python2=nodes.is_python2)
        if pattern == nodes.scalar(slot):
            return {}
        flags = integer(nodes, shape.args[1]) or 0
        why = why_no_pattern(pattern, flags & ~re.UNICODE if kind is Kind.STR2 else flags)
        if why:
            raise EncodeError(f"That is no pattern: {escape_text(why)}.")
        return {slot: Atom(kind, pattern)}


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
    editor: ClassVar[str] = "enum"

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        names = self._names(nodes, shape)
        if names is None:
            return None
        value = ".".join(names)
        return Known(escape_text(type_name(names[0])), escape_text(shorten(value, _SHOWN_CHARS)), PlainText(value))

    def _names(self, nodes: PickleNodes, shape: Shape) -> tuple[str, str] | None:
        if len(shape.args) != 2 or not shape.is_bare_call:
            return None
        owner = class_name(nodes, shape.args[0])
        attribute = text(nodes, shape.args[1])
        return (owner, attribute) if owner and attribute else None

    def literal(self, nodes: PickleNodes, shape: Shape) -> str | None:
        names = self._names(nodes, shape)
        return escape_text(".".join(names)) if names else None

    def replaced(self, nodes: PickleNodes, shape: Shape, text: str, style: Style) -> Patches:
        """Return another member's name; the class before it stays, and need not be written."""
        given = text.strip()
        if given == self.literal(nodes, shape):
            return {}
        owner = class_name(nodes, shape.args[0])
        member = given.removeprefix(f"{owner}.").removeprefix(f"{owner.rpartition('.')[2]}.")
        if not member.isidentifier():
            raise not_a("a member's name", text, "RED")
        return text_patch(nodes, shape.args[1], member)


TYPES: tuple[KnownType, ...] = (Uuids(), Paths(), Addresses(), Patterns(), Exceptions(), Attributes())
