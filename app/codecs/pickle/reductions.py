"""What a REDUCE means: old encodings of built-in values and the two ways of copyreg to make an object."""

from dataclasses import dataclass
from typing import Protocol

from app.codecs.nodes import Kind
from app.codecs.pickle.opcodes import CODE, TUPLES
from app.codecs.pickle.scalars import read_text
from app.codecs.pickle.stream import Stream
from app.errors import DecodeError

_BUILTINS = ("__builtin__", "builtins")
_COPYREG = ("copy_reg", "copyreg")
_LATIN1 = frozenset({"latin1", "latin-1", "iso-8859-1"})
_SHORT = 20
"""Characters of an encoding's name that are read."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """``source`` is the slot that holds the content of a value seen through, or -1 when it is empty.

    For an OBJECT: ``cls`` is the class's or callable's slot, ``args`` its arguments, ``args_slot`` the
    slot of their tuple or -1, ``kwargs_slot`` that of keyword arguments or -1.
    """

    kind: Kind
    source: int = -1
    cls: int = -1
    args: tuple[int, ...] = ()
    args_slot: int = -1
    kwargs_slot: int = -1
    is_call: bool = True


class Operands(Protocol):
    """What is asked of the graph here. No answer depends on another REDUCE, so nothing recurses."""

    def plain_kind(self, slot: int) -> Kind | None: ...
    def global_name(self, slot: int) -> str: ...
    def items(self, slot: int) -> list[int]: ...
    def prefix(self, slot: int, limit: int) -> str | bytes: ...


def reduction(nodes: Operands, stream: Stream, pos: int) -> Reduction:
    """Return what the REDUCE at ``pos`` makes."""
    callee, args_slot = stream.records[pos]
    args_target = stream.target(args_slot)
    if stream.data[args_target] not in TUPLES:
        return Reduction(Kind.OBJECT, cls=callee, args_slot=args_slot)
    args = tuple(stream.records.get(args_target, ()))
    call = Reduction(Kind.OBJECT, cls=callee, args=args, args_slot=args_slot)
    module, _, name = nodes.global_name(callee).rpartition(".")
    if module in _COPYREG:
        return _copyreg(nodes, name, args) or call
    if pos in stream.logs or stream.pending.get(pos):
        return call  # a built-in value that is changed afterwards is none
    if module == "_codecs" and name == "encode":
        return _encoded(nodes, args, Kind.BYTES) or call
    if module in _BUILTINS:
        return _builtin(nodes, stream, name, args) or call
    return call


def _copyreg(nodes: Operands, function: str, args: tuple[int, ...]) -> Reduction | None:
    match function, args:
        case "_reconstructor", (cls, base, state):
            plain = nodes.global_name(base) in ("__builtin__.object", "builtins.object")
            if plain and nodes.plain_kind(state) is not Kind.NONE:
                return None
            return Reduction(Kind.OBJECT, cls=cls, args=() if plain else (state,), is_call=False)
        case "__newobj__", (cls, *rest):
            return Reduction(Kind.OBJECT, cls=cls, args=tuple(rest), is_call=False)
        case "__newobj_ex__", (cls, args_slot, named):
            if nodes.plain_kind(args_slot) is not Kind.TUPLE or nodes.plain_kind(named) is not Kind.DICT:
                return None
            inner = tuple(nodes.items(args_slot))
            return Reduction(Kind.OBJECT, cls=cls, args=inner, args_slot=args_slot, kwargs_slot=named, is_call=False)
    return None


def _builtin(nodes: Operands, stream: Stream, name: str, args: tuple[int, ...]) -> Reduction | None:
    kinds = tuple(map(nodes.plain_kind, args))
    found: Reduction | None = None
    match name, kinds:
        case (("set" | "frozenset" | "bytes" | "bytearray"), ()):
            found = Reduction(Kind(name))
        case (("set" | "frozenset"), (Kind.LIST | Kind.TUPLE,)):
            found = Reduction(Kind(name), args[0])
        case "bytearray", (Kind.BYTES,):
            found = Reduction(Kind.BYTEARRAY, args[0])
        case "bytearray", (None,):
            found = _wrapped_bytes(nodes, stream, args[0])
        case "bytearray", _:
            found = _encoded(nodes, args, Kind.BYTEARRAY)
        case "complex", (Kind.FLOAT, Kind.FLOAT):
            found = Reduction(Kind.COMPLEX, args=args)
    return found


def _wrapped_bytes(nodes: Operands, stream: Stream, slot: int) -> Reduction | None:
    """Return the bytearray that is made of bytes which are themselves an encoded text."""
    pos = stream.target(slot)
    if stream.data[pos] != CODE["REDUCE"] or nodes.global_name(stream.records[pos][0]) != "_codecs.encode":
        return None
    inner = reduction(nodes, stream, pos)
    return Reduction(Kind.BYTEARRAY, inner.source) if inner.kind is Kind.BYTES else None


def _encoded(nodes: Operands, args: tuple[int, ...], kind: Kind) -> Reduction | None:
    """Return the bytes that a text stands for when it is encoded as Latin-1."""
    match args:
        case text, encoding if nodes.plain_kind(text) is Kind.STR and _is_latin1(nodes, encoding):
            return Reduction(kind, text)
    return None


def _is_latin1(nodes: Operands, slot: int) -> bool:
    if nodes.plain_kind(slot) not in (Kind.STR, Kind.STR2):
        return False
    try:
        name = nodes.prefix(slot, _SHORT)
    except DecodeError:
        return False
    text = name if isinstance(name, str) else name.decode("latin-1")
    return text.lower().replace("_", "-") in _LATIN1


def global_lines(data: bytes, pos: int) -> str:
    """Return ``module.name`` from the two lines behind a GLOBAL or INST at ``pos``."""
    first = data.find(b"\n", pos)
    second = data.find(b"\n", first + 1)
    lines = data[pos + 1 : first], data[first + 1 : second]
    return ".".join(line.decode("utf-8", "backslashreplace") for line in lines)


def stacked_name(stream: Stream, pos: int) -> str:
    """Return ``module.name`` of a STACK_GLOBAL, empty when its operands are no texts."""
    try:
        return ".".join(read_text(stream.data, stream.target(slot)) for slot in stream.records[pos])
    except DecodeError:
        return ""
