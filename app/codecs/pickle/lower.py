"""What a protocol has no opcode for, as the calls that CPython writes in its place.

References:
    CPython's Lib/pickle.py, ``save_bytes``, ``save_bytearray``, ``save_set``, ``save_frozenset``, ``save_reduce``
    and ``save_global``; Lib/copyreg.py.
"""

from app.codecs.global_names import is_nested
from app.codecs.model import Atom, Built, GlobalName, Items, Style, Value
from app.codecs.nodes import Kind
from app.errors import EncodeError


def lowered(value: Value, style: Style) -> Built | None:
    """Return the call that stands for ``value`` where the protocol has no opcode for it, else None."""
    match value:
        case Atom():
            return _scalar(value, style)
        case Items(kind=(Kind.SET | Kind.FROZENSET) as kind) if style.protocol < 4:
            return call(GlobalName("builtins", str(kind)), Items(Kind.LIST, value.items))
        case GlobalName() if is_nested(value, style.protocol):
            outer, _, name = value.name.rpartition(".")
            return _getattr(GlobalName(value.module, outer, value.written_in), name, style)
        case Built(is_old_style=False):
            return _object(value, style)
    return None


def _scalar(value: Atom, style: Style) -> Built | None:
    match value.kind, value.value:
        case Kind.BYTES, bytes() as content if style.protocol < 3 and not style.is_python2:
            return _bytes(content)
        case Kind.BYTEARRAY, bytes() as content if style.protocol < 5:
            return _bytearray(content, style)
        case Kind.COMPLEX, complex() as number:
            parts = (Atom(Kind.FLOAT, part) for part in (number.real, number.imag))
            return call(GlobalName("builtins", "complex"), *parts)
    return None


def call(function: Value, *args: Value) -> Built:
    """Return what a function gives for these arguments."""
    return Built(function, Items(Kind.TUPLE, list(args)), is_call=True)


def text(value: str, style: Style) -> Atom:
    """Return a name in ASCII as the Python of that style has it."""
    return Atom(Kind.STR2, value.encode("ascii")) if style.is_python2 else Atom(Kind.STR, value)


def _bytes(content: bytes) -> Built:
    if not content:
        return call(GlobalName("builtins", "bytes"))
    return call(GlobalName("_codecs", "encode"), Atom(Kind.STR, content.decode("latin-1")), Atom(Kind.STR, "latin1"))


def _bytearray(content: bytes, style: Style) -> Built:
    name = GlobalName("builtins", "bytearray")
    if style.is_python2 and style.protocol < 3:
        return call(name, Atom(Kind.STR, content.decode("latin-1")), text("latin-1", style))
    return call(name, Atom(Kind.BYTES, content)) if content else call(name)


def _getattr(owner: Value, name: str, style: Style) -> Built:
    return call(
        GlobalName("builtins", "getattr"), owner, Atom(Kind.STR, name) if not name.isascii() else text(name, style)
    )


def _object(value: Built, style: Style) -> Built | None:
    """Return the call that makes an object where there is neither NEWOBJ nor NEWOBJ_EX, or keywords for a REDUCE."""
    if value.kwargs is None:
        if value.is_call or style.protocol >= 2:
            return None
        return call(GlobalName("copyreg", "__newobj__"), value.cls, *_arguments(value))
    if value.is_call:
        partial = _partial(value.cls, value.cls, _arguments(value), value.kwargs)
        return Built(partial, Items(Kind.TUPLE), is_call=True)
    if style.protocol >= 4:
        return None
    first, again = (_getattr(value.cls, "__new__", style) for _ in range(2))
    partial = _partial(first, again, [value.cls, *_arguments(value)], value.kwargs)
    return Built(partial, Items(Kind.TUPLE), is_call=True)


def _partial(function: Value, again: Value, args: list[Value], kwargs: Value) -> Built:
    """Return ``functools.partial(function, *args, **kwargs)`` as that class pickles itself.

    ``again`` is the function once more, as what is made anew here is written anew in each place.
    """
    partial = call(GlobalName("functools", "partial"), function)
    partial.states.append(Items(Kind.TUPLE, [again, Items(Kind.TUPLE, args), kwargs, Atom(Kind.NONE, None)]))
    return partial


def _arguments(value: Built) -> list[Value]:
    if isinstance(value.args, Items) and value.args.kind is Kind.TUPLE:
        return value.args.items
    raise EncodeError("The arguments of an object are no tuple, so this protocol cannot write it.")
