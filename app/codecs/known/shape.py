"""How a pickle builds an object, with the detours of old protocols taken away. Nothing is called."""

from dataclasses import dataclass

from app.codecs.nodes import Kind, ObjectParts, PickleNodes, Scalar
from app.errors import CodecError

_GETATTR = ("builtins.getattr", "__builtin__.getattr")
_PARTIAL = "functools.partial"
_MAX_NESTING = 16
_MAX_ATTRIBUTES = 64


@dataclass(frozen=True, slots=True)
class Shape:
    """An object as its class would be asked to build it; slots as in `ObjectParts`.

    ``name`` is ``module.Class`` with nested classes resolved, empty when the pickle computes the class.
    ``args_slot`` is the slot of the tuple that ``args`` are all of, or -1.
    """

    name: str
    cls: int
    args: tuple[int, ...] = ()
    kwargs: tuple[tuple[int, int], ...] = ()
    states: tuple[int, ...] = ()
    listitems: tuple[int, ...] = ()
    dictitems: tuple[tuple[int, int], ...] = ()
    args_slot: int = -1

    @property
    def is_bare_call(self) -> bool:
        """Whether there is nothing but a class and positional arguments."""
        return not (self.kwargs or self.states or self.listitems or self.dictitems)


def shape_of(nodes: PickleNodes, slot: int) -> Shape:
    """Return the shape of an OBJECT.

    The `functools.partial` that stands for NEWOBJ_EX in protocols 2 and 3 is seen through.
    """
    parts = nodes.parts(slot)
    name = class_name(nodes, parts.cls)
    if not name and not parts.args and nodes.kind(parts.cls) is Kind.OBJECT:
        shape = _partial(nodes, parts)
        if shape is not None:
            return shape
    return Shape(
        name,
        parts.cls,
        parts.args,
        parts.kwargs,
        parts.states,
        parts.listitems,
        parts.dictitems,
        parts.args_slot,
    )


def class_name(nodes: PickleNodes, slot: int) -> str:
    """Return ``module.name`` of a global or of attributes got from one; empty for anything else."""
    names: list[str] = []
    for _ in range(_MAX_NESTING):
        if nodes.kind(slot) is not Kind.OBJECT:
            name = nodes.global_name(slot)
            return ".".join([name, *reversed(names)]) if name else ""
        parts = nodes.parts(slot)
        if len(parts.args) != 2 or nodes.global_name(parts.cls) not in _GETATTR:
            return ""
        attribute = _attribute(nodes, parts.args[1])
        if not attribute:
            return ""
        names.append(attribute)
        slot = parts.args[0]
    return ""


def _attribute(nodes: PickleNodes, slot: int) -> str | None:
    try:
        return text(nodes, slot)
    except CodecError:
        return None


def integer(nodes: PickleNodes, slot: int) -> int | None:
    """Return an integer of bounded size; None when something else stands there."""
    value = nodes.scalar(slot) if nodes.kind(slot) in (Kind.INT, Kind.LONG) else None
    return value if isinstance(value, int) else None


def integers(nodes: PickleNodes, slots: tuple[int, ...] | list[int]) -> list[int] | None:
    """Return integers of bounded size; None when one is something else."""
    values = [integer(nodes, slot) for slot in slots]
    found = [value for value in values if value is not None]
    return found if len(found) == len(values) else None


def text(nodes: PickleNodes, slot: int) -> str | None:
    """Return a text or an ASCII 8-bit string; None when something else stands there."""
    value = nodes.scalar(slot) if nodes.kind(slot) in (Kind.STR, Kind.STR2) else None
    if isinstance(value, bytes):
        return value.decode("ascii") if value.isascii() else None
    return value if isinstance(value, str) else None


def is_octets(nodes: PickleNodes, slot: int) -> bool:
    return nodes.kind(slot) in (Kind.BYTES, Kind.STR2, Kind.BYTEARRAY)


def octets(nodes: PickleNodes, slot: int, count: int) -> bytes | None:
    """Return exactly ``count`` bytes; a text stands for its Latin-1 bytes, as Python 3 reads Python 2's."""
    if nodes.kind(slot) not in (Kind.BYTES, Kind.STR2, Kind.BYTEARRAY, Kind.STR) or nodes.length(slot) > 2 * count:
        return None
    value = nodes.scalar(slot)
    if isinstance(value, str):
        try:
            value = value.encode("latin-1")
        except UnicodeEncodeError:
            return None
    return value if isinstance(value, bytes) and len(value) == count else None


def memory(nodes: PickleNodes, slot: int, size: int) -> bytes:
    """Return the first ``size`` bytes of some bytes, fewer where there are fewer."""
    head: Scalar = nodes.prefix(slot, size)
    if isinstance(head, bytes) and len(head) < size:
        head = nodes.scalar(slot)  # a string of protocol 0 is cut before the escape that the limit falls into
    return head[:size] if isinstance(head, bytes) else b""


def sequence(nodes: PickleNodes, slot: int, most: int | None = None) -> list[int] | None:
    """Return the slots of a list or tuple of at most ``most`` items; None when something else stands there."""
    if nodes.kind(slot) not in (Kind.LIST, Kind.TUPLE) or (most is not None and nodes.length(slot) > most):
        return None
    return nodes.items(slot)


def attributes(nodes: PickleNodes, slot: int) -> dict[str, int] | None:
    """Return name -> slot of a small dict with text keys, as most states are; None for anything else."""
    if nodes.kind(slot) is not Kind.DICT or nodes.length(slot) > _MAX_ATTRIBUTES:
        return None
    found = {text(nodes, key): value for key, value in nodes.pairs(slot)}
    return None if None in found else {name: value for name, value in found.items() if name is not None}


def state_attributes(nodes: PickleNodes, shape: Shape) -> dict[str, int] | None:
    """Return the attributes of an object whose only state is a small dict."""
    return attributes(nodes, shape.states[0]) if len(shape.states) == 1 else None


def is_slots_state(nodes: PickleNodes, slot: int) -> bool:
    """Tell whether a state is ``(dict or None, dict)``, as objects with ``__slots__`` have it."""
    if nodes.kind(slot) is not Kind.TUPLE or nodes.length(slot) != 2:
        return False
    first, second = nodes.items(slot)
    return nodes.kind(first) in (Kind.DICT, Kind.NONE) and nodes.kind(second) is Kind.DICT


def _partial(nodes: PickleNodes, parts: ObjectParts) -> Shape | None:
    """Return the shape behind ``partial(cls.__new__, cls, *args, **kwargs)()``."""
    inner = nodes.parts(parts.cls)
    state = sequence(nodes, inner.states[0], 4) if len(inner.states) == 1 else None
    if nodes.global_name(inner.cls) != _PARTIAL or state is None or len(state) != 4:
        return None
    function, arguments, keywords, _ = state
    items = sequence(nodes, arguments)
    if not items or class_name(nodes, function) != class_name(nodes, items[0]) + ".__new__":
        return None
    if nodes.kind(keywords) is not Kind.DICT:
        return None
    named = tuple(nodes.pairs(keywords))
    cls, *args = items
    name = class_name(nodes, cls)
    return Shape(name, cls, tuple(args), named, parts.states, parts.listitems, parts.dictitems)
