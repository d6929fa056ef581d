"""A whole marshal value written anew in another version."""

from collections.abc import Iterator

from app.cancel import CancelToken
from app.codecs.marshal.encode import (
    MOST_BYTES,
    Define,
    Form,
    Piece,
    Use,
    encode_scalar,
    flagged,
    header,
)
from app.codecs.marshal.graph import MarshalGraph
from app.codecs.marshal.models import whole_scalar
from app.codecs.marshal.stream import SINGLETONS
from app.codecs.nodes import SCALARS, Kind
from app.errors import EncodeError

NEWEST = 5
_OF_PYTHON2 = 2
_CHECKED = 4096
_MOST_AGAIN = 1_000_000
"""Nodes that may be written again where a version knows no references: thirty tuples can stand for a billion."""

_PYTHON3_KINDS = {Kind.STR2: Kind.BYTES, Kind.LONG: Kind.INT}
_KEPT_LETTERS = frozenset("ItZA")
"""What says more of a scalar than its value: it was a long integer of Python 2, or an interned text."""


def rewritten(graph: MarshalGraph, version: int, token: CancelToken) -> list[Piece]:
    """Return the code of the value in a version of marshal; objects are shared where the version knows references.

    Raises:
        EncodeError: there is no such version, or it cannot hold the value; says why.
    """
    if not 0 <= version <= NEWEST:
        raise EncodeError(f"There is no version {version} of marshal; choose from 0 to {NEWEST}.")
    if graph.is_surely_python2 and version > _OF_PYTHON2:
        raise EncodeError(f"This is a value of Python 2, which knows versions 0 to {_OF_PYTHON2} of marshal.")
    return _Rewriter(graph, Form(version, graph.is_python2 and version <= _OF_PYTHON2), token).run()


class _Rewriter:
    def __init__(self, graph: MarshalGraph, form: Form, token: CancelToken) -> None:
        self._graph = graph
        self._form = form
        self._token = token
        self._shared = {graph.target(slot) for slot in graph.stream.uses}
        self._defined: set[int] = set()
        self._open: set[int] = set()
        self._made: list[Piece] = []
        self._size = self._nodes = 0
        self._most_nodes = len(graph.stream.data) + _MOST_AGAIN

    def run(self) -> list[Piece]:
        waiting: list[tuple[int, Iterator[int | bytes]]] = [(-1, iter((self._graph.root,)))]
        steps = 0
        while waiting:
            part = next(waiting[-1][1], None)
            steps += 1
            if steps % _CHECKED == 0:
                self._token.check()
            if part is None:
                self._open.discard(waiting.pop()[0])
            elif isinstance(part, bytes):
                self._made.append(part)
            elif self._graph.target(part) in self._defined:
                self._made.append(Use(self._graph.target(part)))
            else:
                waiting.append(self._begin(self._graph.target(part)))
        return self._made

    def _begin(self, target: int) -> tuple[int, Iterator[int | bytes]]:
        """Write what a node begins with; return it with what comes inside of it."""
        if target in self._open:
            raise EncodeError("The value holds itself, which marshal knows from version 3 on.")
        code = self._code(target)
        self._size += len(code)
        self._nodes += 1
        if self._size > MOST_BYTES or self._nodes > self._most_nodes:
            raise EncodeError("Shared parts have to be written again in this version, and would be too large.")
        is_string = self._form.is_python2 and code[:1] == b"t"
        is_counted = is_string or (self._form.has_references and code[0] not in SINGLETONS)
        if is_string or (is_counted and target in self._shared):
            self._defined.add(target)
            self._made.append(Define(target, code if is_string else flagged(code), is_string))
        else:
            self._made.append(code)
        self._open.add(target)
        return target, self._inside(target)

    def _code(self, target: int) -> bytes:
        graph, form = self._graph, self._form
        letter = chr(graph.stream.type_code(target))
        kind = graph.kind(target)
        if kind is Kind.GLOBAL:
            return letter.encode()
        if kind is Kind.CODE:
            return b"c" + graph.stream.data[target + 1 : target + graph.stream.header_size(target)]
        if kind in SCALARS:
            return self._scalar(target, kind, letter)
        if kind is Kind.OBJECT and form.version < NEWEST:
            raise EncodeError("Slices can be written from version 5 of marshal on, which is Python 3.14's.")
        return header(letter, graph.length(target), form)

    def _scalar(self, target: int, kind: Kind, letter: str) -> bytes:
        form = self._form
        value = whole_scalar(self._graph, target)
        like = letter if letter in _KEPT_LETTERS else ""
        code = encode_scalar(kind if form.is_python2 else _PYTHON3_KINDS.get(kind, kind), value, form, like)
        if form.is_python2 and letter == "t" and form.version >= 1:
            return b"t" + code[1:]
        return code

    def _inside(self, target: int) -> Iterator[int | bytes]:
        graph = self._graph
        kids = graph.elements(target)
        match graph.kind(target):
            case Kind.DICT:
                yield from kids
                yield b"0"
            case Kind.CODE:
                stream = graph.stream
                count, width = len(stream.layout.objects), stream.layout.width
                yield from kids[:count]
                yield stream.data[kids[count] - width : kids[count]]
                yield from kids[count:]
            case _:
                yield from kids
