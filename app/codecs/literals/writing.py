"""Values as the Python literals that `python_literal` reads back to the same: to be edited as text, or exported."""

from collections.abc import Iterator

from app.codecs.known.construct import constant
from app.codecs.literals.known_calls import CallText, call_for, class_name, is_alike, made_name
from app.codecs.literals.numpy_calls import why_no_literal
from app.codecs.literals.reading import MAX_DEPTH
from app.codecs.literals.scalars import format_literal
from app.codecs.model import Atom, Built, GlobalName, Items, Pairs, Style, Value
from app.codecs.model_keys import identity
from app.codecs.nodes import Kind
from app.codecs.screen import escape_text
from app.errors import EncodeError, LimitExceeded

_NEW = Style()
_AROUND = 2
"""Open iterators beside those of brackets: what starts with the root, and a scalar."""

_BRACKETS = {
    Kind.LIST: ("[", "]"),
    Kind.TUPLE: ("(", ")"),
    Kind.SET: ("{", "}"),
    Kind.FROZENSET: ("frozenset({", "})"),
}
_WORDS = ("builtins.Ellipsis", "__builtin__.Ellipsis", "builtins.NotImplemented", "__builtin__.NotImplemented")

Part = str | Value
"""Text as it is, or a value that is to be written there."""


def literal_of(value: Value, limit: int, style: Style = _NEW) -> str:
    """Return the literal of a value of at most ``limit`` characters, in one line; what is shared is repeated.

    Raises:
        EncodeError: it has none: it holds itself, or an object of a class that is not known; says what.
        LimitExceeded: it is longer.
    """
    return _Writer(limit, style).write(value)


class _Writer:
    """One literal. The open containers are a list, so nesting costs no recursion."""

    def __init__(self, limit: int, style: Style) -> None:
        self._room = limit
        self._style = style
        self._pieces: list[str] = []

    def write(self, value: Value) -> str:
        waiting: list[tuple[int, Iterator[Part]]] = [(0, iter((value,)))]
        is_open: set[int] = set()
        while waiting:
            part = next(waiting[-1][1], None)
            if part is None:
                is_open.discard(waiting.pop()[0])
            elif isinstance(part, str):
                self._take(part)
            elif id(part) in is_open:
                raise EncodeError("It holds itself, and no literal can say that.")
            else:
                is_open.add(id(part))
                waiting.append((id(part), self._parts(part)))
                if len(waiting) > MAX_DEPTH + _AROUND:
                    raise EncodeError(f"It is nested more than {MAX_DEPTH:,} deep, too deep for a literal.")
        return "".join(self._pieces)

    def _take(self, piece: str) -> None:
        self._room -= len(piece)
        if self._room < 0:
            raise LimitExceeded("The literal is too long to be shown or edited as one text.")
        self._pieces.append(piece)

    def _parts(self, value: Value) -> Iterator[Part]:
        match value:
            case Atom():
                return iter((self._scalar(value),))
            case Items():
                return self._items(value)
            case Pairs():
                return self._dict(value)
            case GlobalName():
                return iter((self._name(value),))
            case Built():
                return self._call(value)
        raise EncodeError("Persistent ids, extension codes and buffers beside the pickle have no literal.")

    def _scalar(self, value: Atom) -> str:
        text = format_literal(value.value, value.kind, is_python2=self._style.is_python2)
        return text + "L" if value.kind is Kind.LONG and self._style.is_python2 else text

    def _items(self, value: Items) -> Iterator[Part]:
        is_set = value.kind in (Kind.SET, Kind.FROZENSET)
        if is_set:
            _check_distinct(value.items)
            if not value.items:
                yield f"{value.kind}()"
                return
        start, end = _BRACKETS[value.kind]
        yield start
        yield from _joined(value.items)
        yield "," + end if value.kind is Kind.TUPLE and len(value.items) == 1 else end

    def _dict(self, value: Pairs) -> Iterator[Part]:
        _check_distinct([key for key, _ in value.pairs])
        yield "{"
        for number, (key, item) in enumerate(value.pairs):
            yield ", " if number else ""
            yield key
            yield ": "
            yield item
        yield "}"

    def _name(self, value: GlobalName) -> str:
        names = [f"{value.module}.{value.name}", class_name(value)]
        for full in names:
            if full in _WORDS:
                return value.name
            for name in (full.rpartition(".")[2], full):
                known = constant(name, self._style)
                if known is not None and is_alike(known, value, self._style):
                    return name
        raise EncodeError(f"{escape_text(names[0])} is a class or function, which has no literal.")

    def _call(self, value: Built) -> Iterator[Part]:
        call = call_for(value, self._style)
        if call is None:
            name = made_name(value) or "an unknown class"
            sentence = f"An object of {escape_text(name)} has no literal; only those of known types have."
            raise EncodeError(why_no_literal(name) or sentence)
        return _call_parts(call)


def _call_parts(call: CallText) -> Iterator[Part]:
    yield f"{call.name}("
    yield from _joined(call.args)
    for number, (name, value) in enumerate(call.kwargs.items()):
        yield f"{', ' if number or call.args else ''}{name}="
        yield value
    yield ")"


def _joined(values: list[Value]) -> Iterator[Part]:
    for number, value in enumerate(values):
        if number:
            yield ", "
        yield value


def _check_distinct(keys: list[Value]) -> None:
    if len({identity(key) for key in keys}) < len(keys):
        raise EncodeError("A key or element stands there twice, which no literal can say.")
