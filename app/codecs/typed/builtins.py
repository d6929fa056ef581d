"""Built-in values that typed JSON writes as calls of their classes, such as ``builtins.frozenset([1])``."""

from app.codecs.literals.builtin_calls import builtin_call
from app.codecs.model import Atom, Built, GlobalName, Items, Pairs, Style, Value
from app.codecs.nodes import Kind
from app.errors import EncodeError

_CONTAINERS = {"tuple": Kind.TUPLE, "set": Kind.SET, "frozenset": Kind.FROZENSET}
_SCALARS = {
    "str": Kind.STR,
    "bytearray": Kind.BYTEARRAY,
    "bytes": Kind.BYTES,
    "float": Kind.FLOAT,
    "complex": Kind.COMPLEX,
    "int": Kind.INT,
}
_PYTHON3 = Style()


def shell_for(name: str) -> Value:
    """Return the empty part that a call of the class ``name`` becomes."""
    module, _, last = name.rpartition(".")
    if module == "builtins":
        if last in _CONTAINERS:
            return Items(_CONTAINERS[last])
        if last in _SCALARS:
            return Atom(_SCALARS[last], None)
        if last == "dict":
            return Pairs()
    return Built(GlobalName("builtins", "object"), Items(Kind.TUPLE))


def finished(made: Value, args: Items) -> None:
    """Fill what `shell_for` returned from the arguments of the call.

    Raises:
        EncodeError: the class takes no such arguments.
    """
    match made:
        case Items():
            made.items = _elements(made, args.items)
        case Pairs():
            made.pairs = _pairs(args.items)
        case Atom(kind=Kind.INT):
            made.value = _integer(args.items)
        case Atom(kind=Kind.STR):
            made.value = _text(args.items)
        case Atom():
            value = builtin_call(str(made.kind), args.items, {}, _PYTHON3)
            made.value = value.value if isinstance(value, Atom) else None


def _text(args: list[Value]) -> str:
    """Return the text that ``str`` is given; typed JSON writes one so where it is shared."""
    match args:
        case [Atom(kind=Kind.STR, value=str() as text)]:
            return text
    raise EncodeError("builtins.str needs one text.")


def _elements(made: Items, args: list[Value]) -> list[Value]:
    """Return what a set is made of; whether that can be in one is not asked here."""
    source = args[0] if len(args) == 1 else Items(Kind.LIST)
    if len(args) > 1 or not isinstance(source, Items):
        raise EncodeError(f"builtins.{made.kind} needs one array, tuple or set.")
    return source.items


def _pairs(args: list[Value]) -> list[tuple[Value, Value]]:
    """Return the pairs that ``dict`` is given as an array, or those of the dict that it copies."""
    source = args[0] if len(args) == 1 else None
    if isinstance(source, Pairs):
        return source.pairs
    if not isinstance(source, Items):
        raise EncodeError("builtins.dict needs one array of pairs.")
    return [pair_of(pair) for pair in source.items]


def pair_of(value: Value) -> tuple[Value, Value]:
    """Return the two parts of an array or tuple of two."""
    items = value.items if isinstance(value, Items) else []
    if len(items) != 2:
        raise EncodeError("A pair needs a key and a value.")
    return items[0], items[1]


def _integer(args: list[Value]) -> int:
    """Return what ``int`` makes of a number, or of text and base as large numbers are written."""
    contents = [arg.value for arg in args if isinstance(arg, Atom)]
    try:
        match contents:
            case [int() as number]:
                return int(number)
            case [str() as text]:
                return int(text)
            case [str() as text, int() as base]:
                return int(text, base)
    except ValueError as error:
        raise EncodeError("builtins.int is given a text that is no number.") from error
    raise EncodeError("builtins.int needs a number, or its text and base.")
