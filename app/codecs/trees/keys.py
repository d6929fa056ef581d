"""Dict keys as literals in paths: what makes two keys the same literal, and which positions have none."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from app.codecs.literals.scalars import format_literal, parse_literal
from app.codecs.nodes import SCALARS, Kind, PickleNodes, Scalar
from app.errors import CodecError, EncodeError, PathError

_LITERAL_BYTES = 1000
"""Bytes of a text key that is written as a literal in a path; longer ones go by position."""

_WITH_LITERAL = frozenset({Kind.NONE, Kind.BOOL, Kind.INT, Kind.LONG, Kind.FLOAT, Kind.STR, Kind.STR2, Kind.BYTES})
_WORDS = {"None": Kind.NONE, "True": Kind.BOOL, "False": Kind.BOOL}
_REPEATED = -1

Identity = tuple[str, bytes]
"""What a literal stands for: a tag of the kind and its content. Bytes, as colliding integers would hash slowly."""


def identity_of(value: Scalar, kind: Kind) -> Identity:
    """Return what a path's literal for ``value`` is looked up by."""
    match value:
        case str():
            return "s", value.encode("utf-8", "surrogatepass")
        case bytes():
            return ("2" if kind is Kind.STR2 else "b"), value
        case bool() | None:
            return "w", repr(value).encode()
        case int():
            return "i", b"%x" % value
        case _:
            return "f", repr(value).encode()


def key_identity(graph: PickleNodes, slot: int) -> Identity | None:
    """Return what the key at ``slot`` is looked up by, None when it has no literal."""
    kind = graph.kind(slot)
    if kind not in _WITH_LITERAL:
        return None
    try:
        value = graph.scalar(slot)
    except CodecError:
        return None
    if isinstance(value, float) and value - value != 0:
        return None  # nan and the infinities have no literal
    return identity_of(value, kind)


def literal_of(graph: PickleNodes, slot: int) -> str:
    """Return the literal of a key that has an identity, empty when it is too long for a path."""
    kind = graph.kind(slot)
    if kind in (Kind.STR, Kind.STR2, Kind.BYTES) and graph.length(slot) > _LITERAL_BYTES:
        return ""
    return format_literal(graph.scalar(slot), kind, is_python2=graph.is_python2)


def identities_named(literal: str, *, is_python2: bool) -> list[Identity]:
    """Return what a literal in a path may mean, the likeliest first.

    Raises:
        PathError: it is no literal.
    """
    kinds = _kinds_named(literal, is_python2=is_python2)
    try:
        return [identity_of(parse_literal(literal, kind, is_python2=is_python2), kind) for kind in kinds]
    except EncodeError as error:
        raise PathError(f"[{literal}] cannot be part of a path: {error.message}") from error


def _kinds_named(literal: str, *, is_python2: bool) -> tuple[Kind, ...]:
    if literal in _WORDS:
        return (_WORDS[literal],)
    prefix = literal[: min((at for quote in "'\"" if (at := literal.find(quote)) >= 0), default=0)].lower()
    if literal[:1] in "'\"" or prefix:
        if "b" in prefix:
            return (Kind.BYTES, Kind.STR2) if is_python2 else (Kind.BYTES,)
        if is_python2 and "u" not in prefix:
            return (Kind.STR2, Kind.STR) if literal.isascii() else (Kind.STR,)
        return (Kind.STR,)
    return (Kind.FLOAT,) if _is_float(literal) else (Kind.INT,)


def _is_float(literal: str) -> bool:
    return not literal.lower().startswith(("0x", "-0x")) and any(mark in literal for mark in ".eEn")


class KeyTable:
    """The keys of one dict: where each literal stands, and which keys take a row of their own.

    Built in one pass over the keys, as only that tells which of them repeat.
    """

    def __init__(self, graph: PickleNodes, flat: Sequence[int]) -> None:
        self._graph = graph
        self._flat = flat
        self._places: dict[Identity, int] = {}
        self.with_rows: list[int] = []
        for index in range(len(flat) // 2):
            slot = flat[2 * index]
            found = key_identity(graph, slot)
            if found is not None:
                self._places[found] = _REPEATED if found in self._places else index
            elif graph.kind(slot) not in SCALARS:
                self.with_rows.append(index)

    def __len__(self) -> int:
        return len(self._flat) // 2

    def literal(self, index: int) -> str:
        """Return the key's literal, empty where it has none or is repeated."""
        slot = self._flat[2 * index]
        found = key_identity(self._graph, slot)
        if found is None or self._places.get(found) != index:
            return ""
        return literal_of(self._graph, slot)

    def place(self, literal: str) -> int:
        """Return the index of the pair that a literal names.

        Raises:
            PathError: it names none or several.
        """
        for found in identities_named(literal, is_python2=self._graph.is_python2):
            index = self._places.get(found)
            if index == _REPEATED:
                raise PathError(f"[{literal}] names several keys; write their position instead, as [#0].")
            if index is not None:
                return index
        raise PathError(f"There is no key {literal}.")

    def text_places(self) -> dict[str, int]:
        """Return the index of each text key, -1 where two keys have one text."""
        places: dict[str, int] = {}
        for found, index in self._places.items():
            if text := _text(found):
                places[text] = _REPEATED if text in places else index
        return places

    def text(self, index: int) -> str:
        """Return the text of a key that is one, else an empty text."""
        found = key_identity(self._graph, self._flat[2 * index])
        return _text(found) if found else ""

    def has_row(self, index: int) -> bool:
        at = bisect_left(self.with_rows, index)
        return at < len(self.with_rows) and self.with_rows[at] == index

    def row_of(self, index: int) -> int:
        """Return the row of a pair's value, with the rows of keys that stand before it."""
        return index + bisect_right(self.with_rows, index)

    def pair_of(self, row: int) -> int:
        """Return the pair that a row belongs to."""
        return bisect_left(range(len(self)), row, key=self.row_of)

    @property
    def rows(self) -> int:
        return len(self) + len(self.with_rows)


def _text(identity: Identity) -> str:
    tag, content = identity
    if tag == "s":
        return content.decode("utf-8", "surrogatepass")
    return content.decode("latin-1") if tag == "2" else ""
