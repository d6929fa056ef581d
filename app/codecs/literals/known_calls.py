"""Objects of known types as the calls that a person would write, each proved by making the object from the call."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.codecs.global_names import names_for
from app.codecs.known.construct import construct
from app.codecs.literals.numpy_calls import numpy_calls, numpy_styles
from app.codecs.model import Atom, Built, GlobalName, Items, Pairs, Style, Value
from app.codecs.model_walk import children
from app.codecs.nodes import Kind
from app.errors import EncodeError

_PRIVATE = {"pathlib._local": "pathlib", "pathlib._abc": "pathlib"}
_RENAMED = {
    "re._compile": "re.compile",
    "array._array_reconstructor": "array.array",
    "zoneinfo.ZoneInfo._unpickle": "zoneinfo.ZoneInfo",
}
_MAX_NESTING = 16
_UNICODE = int(re.UNICODE)
_RECREATED = ("copyreg._reconstructor", "copy_reg._reconstructor")


@dataclass(frozen=True, slots=True)
class CallText:
    """``name(*args, **kwargs)``."""

    name: str
    args: list[Value] = field(default_factory=list)
    kwargs: dict[str, Value] = field(default_factory=dict)


def call_for(value: Built, style: Style) -> CallText | None:
    """Return the call that makes exactly this object in that style, None when there is none."""
    name, args = _class_and_args(value)
    if not name:
        return None
    for call in _candidates(value, _public(name), args, style):
        for written_in in numpy_styles(style, name):
            if _makes(call, value, written_in):
                return call
    return None


def _makes(call: CallText, value: Built, style: Style) -> bool:
    try:
        made = construct(call.name, call.args, call.kwargs, style)
    except EncodeError:
        return False
    return made is not None and is_alike(made, value, style)


def is_alike(first: Value, second: Value, style: Style) -> bool:
    """Tell whether two values are written alike; what is one object in both is not looked into."""
    waiting = [(first, second)]
    while waiting:
        one, other = waiting.pop()
        if one is other:
            continue
        if type(one) is not type(other) or not _is_same_part(one, other, style):
            return False
        parts, others = list(children(one)), list(children(other))
        if len(parts) != len(others):
            return False
        waiting += zip(parts, others, strict=True)
    return True


def _is_same_part(one: Value, other: Value, style: Style) -> bool:
    match one, other:
        case Atom(), Atom():
            same = one.kind is other.kind and repr(one.value) == repr(other.value)
        case Items(), Items():
            same = one.kind is other.kind
        case GlobalName(), GlobalName():
            same = _public_names(one, style) == _public_names(other, style)
        case Built(), Built():
            same = _shape(one) == _shape(other)
        case _:
            same = isinstance(one, Pairs)
    return same


def _public_names(value: GlobalName, style: Style) -> tuple[str, str]:
    module, name = names_for(value, style.protocol)
    return _PRIVATE.get(module, module), name


def _shape(value: Built) -> tuple[object, ...]:
    lists = len(value.states), len(value.listitems), len(value.dictitems), len(value.setters)
    return value.is_call, value.is_old_style, value.kwargs is None, lists


def made_name(value: Built) -> str:
    """Return ``module.name`` of the class or callable that makes an object, empty where it is computed."""
    return _class_and_args(value)[0]


def _class_and_args(value: Built) -> tuple[str, list[Value]]:
    """Return the name of the class or callable, empty where it is computed, and what it is called with."""
    args = value.args.items if isinstance(value.args, Items) else []
    name = class_name(value.cls)
    if name in _RECREATED and args:
        return class_name(args[0]), []
    return name, args


def class_name(cls: Value) -> str:
    """Return ``module.name`` of a class or function, also of one that ``getattr`` gets from a class; else empty."""
    names: list[str] = []
    while isinstance(cls, Built) and len(names) < _MAX_NESTING:
        args = cls.args.items if isinstance(cls.args, Items) else []
        attribute = args[1].value if len(args) == 2 and isinstance(args[1], Atom) else None
        if _global_name(cls.cls) != "builtins.getattr" or not isinstance(attribute, str):
            return ""
        names.append(attribute)
        cls = args[0]
    name = _global_name(cls)
    return ".".join([name, *reversed(names)]) if name else ""


def _global_name(cls: Value) -> str:
    """Return ``module.name`` of a global as Python 3 has it, empty for anything else."""
    return ".".join(names_for(cls, 3)) if isinstance(cls, GlobalName) else ""


def _public(name: str) -> str:
    """Return a name as a person writes it: builtins bare, private modules by their public ones."""
    if name in _RENAMED:
        return _RENAMED[name]
    module, _, last = name.rpartition(".")
    if module == "builtins":
        return last
    return f"{_PRIVATE.get(module, module)}.{last}"


def _candidates(value: Built, name: str, args: list[Value], style: Style) -> Iterator[CallText]:
    """Yield the calls that may make the object, the likeliest first."""
    if name in _UNPACKED and args:
        yield from _unpacked(name, args)
    yield from (CallText(*call) for call in numpy_calls(value, name, args, style))
    match name, args:
        case "uuid.UUID", _:
            yield from _uuid(value)
        case "array.array", [_, typecode, _, memory]:
            yield CallText(name, [typecode, memory])
        case "zoneinfo.ZoneInfo", [key, _]:
            yield CallText(name, [key])
        case "re.compile", [pattern, Atom(value=int() as flags)]:
            yield from (CallText(name, [pattern, *_flags(flags & ~mask)]) for mask in (_UNICODE, 0))
    if value.dictitems:
        pairs = Pairs(value.dictitems)
        yield CallText(name, [*args, pairs])
        yield CallText(name, [Items(Kind.LIST, [Items(Kind.TUPLE, list(pair)) for pair in value.dictitems])])
    elif value.listitems:
        yield from _filled(name, args, Items(Kind.LIST, value.listitems))
    yield CallText(name, args)
    if name == "collections.deque" and len(args) == 2:
        yield CallText(name, args[:1], {"maxlen": args[1]})


def _flags(flags: int) -> list[Value]:
    return [Atom(Kind.INT, flags)] if flags else []


def _filled(name: str, args: list[Value], items: Items) -> Iterator[CallText]:
    yield CallText(name, [items])
    if args:
        yield CallText(name, [items], {"maxlen": args[-1]})


def _uuid(value: Built) -> Iterator[CallText]:
    for state in value.states:
        for key, item in state.pairs if isinstance(state, Pairs) else ():
            number = item.value if isinstance(item, Atom) else None
            if isinstance(key, Atom) and key.value in ("int", b"int") and isinstance(number, int):
                digits = f"{number:032x}"
                parts = digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]
                yield CallText("uuid.UUID", [Atom(Kind.STR, "-".join(parts))])


_UNPACKED = {"datetime.date": 4, "datetime.time": 6, "datetime.datetime": 10}
"""Bytes of the state that a class is called with."""

_FOLD = 0x80


def _unpacked(name: str, args: list[Value]) -> Iterator[CallText]:
    """Yield the call of a date or time with its fields, which its pickle packs into bytes."""
    state = args[0].value if isinstance(args[0], Atom) else None
    if isinstance(state, str):
        state = state.encode("latin-1", "replace")
    if not isinstance(state, bytes) or len(state) != _UNPACKED[name]:
        return
    fields = [] if len(state) == 6 else [int.from_bytes(state[:2], "big"), state[2], state[3]]
    if len(state) > 4:
        fields += [*state[-6:-3], int.from_bytes(state[-3:], "big")]
    place = 0 if name == "datetime.time" else 1
    kwargs: dict[str, Value] = {"tzinfo": args[1]} if len(args) > 1 else {}
    if fields[place] & _FOLD:
        fields[place] &= ~_FOLD
        kwargs["fold"] = Atom(Kind.INT, 1)
    least = 3 if name == "datetime.date" else 5 if name == "datetime.datetime" else 2
    while len(fields) > least and not fields[-1]:
        fields.pop()
    yield CallText(name, [Atom(Kind.INT, field) for field in fields], kwargs)
