"""Python expressions made into models by `construct`, for its tests; the product's own parser has tests of its own."""

import ast
from typing import Any

from app.codecs.known.construct import constant, construct
from app.codecs.model import Atom, Items, Pairs, Style, Value
from app.codecs.nodes import Kind

_KINDS = {bool: Kind.BOOL, int: Kind.INT, float: Kind.FLOAT, complex: Kind.COMPLEX, str: Kind.STR, bytes: Kind.BYTES}
_SEQUENCES = {ast.List: Kind.LIST, ast.Tuple: Kind.TUPLE, ast.Set: Kind.SET}


def value_of(source: str, style: Style) -> Value:
    """Return the model of an expression."""
    return _value(ast.parse(source, mode="eval").body, style)


def _value(node: ast.expr, style: Style) -> Value:
    match node:
        case ast.Call(func=func, args=args, keywords=keywords):
            named = {str(keyword.arg): _value(keyword.value, style) for keyword in keywords}
            made = construct(ast.unparse(func), [_value(arg, style) for arg in args], named, style)
        case ast.Name() | ast.Attribute():
            made = constant(ast.unparse(node), style)
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            made = Pairs([(_value(key, style), _value(value, style)) for key, value in pairs if key])
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            made = Items(_SEQUENCES[type(node)], [_value(item, style) for item in items])
        case ast.BinOp(left=left, right=right, op=ast.BitOr()):
            made = Atom(Kind.INT, _number(left, style) | _number(right, style))
        case _:
            made = _atom(ast.literal_eval(node), getattr(node, "kind", None), style)
    assert made is not None, ast.unparse(node)
    return made


def _number(node: ast.expr, style: Style) -> int:
    atom = _value(node, style)
    assert isinstance(atom, Atom)
    assert isinstance(atom.value, int)
    return atom.value


def _atom(value: Any, prefix: str | None, style: Style) -> Atom:
    if style.is_python2 and isinstance(value, str) and prefix != "u":
        return Atom(Kind.STR2, value.encode("latin-1"))
    if style.is_python2 and isinstance(value, bytes):
        return Atom(Kind.STR2, value)
    return Atom(Kind.NONE if value is None else _KINDS[type(value)], value)
