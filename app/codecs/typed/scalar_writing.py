"""Scalars of typed JSON, and what a document is counted by: what is shared in it, and the numbers of py/id."""

import math

from app.cancel import CancelToken
from app.codecs.literals.decimals import decimal_text
from app.codecs.model import Atom, Value
from app.codecs.model_walk import Met, walk
from app.codecs.nodes import Kind
from app.codecs.plain.scalars import string_json
from app.codecs.typed.names import bytes_json, is_short
from app.codecs.typed.parts import called, hexadecimal, size_of

_CHUNK = 4096
_LONG_TEXT = 1_000
_SHORT_TEXT = 32
"""Characters or bytes from which a shared scalar is written once; the second where many are shared."""

_REPEATED = 64 << 20
"""Characters of shared scalars that are written again rather than referred to."""

_CONSTANTS = {None: "null", True: "true", False: "false"}


class ScalarWriter:
    """Writes the scalars of one document; ``_count`` is the next number of py/id."""

    def __init__(self, value: Value, token: CancelToken) -> None:
        self._token = token
        self._numbers: dict[int, int] = {}
        self._count = 0
        self._shared: set[int] = set()
        self._recursive: set[int] = set()
        self._unfinished: set[int] = set()
        """What jsonpickle makes only when all of its parts are there; until then it puts a proxy in its place."""
        self._long = _LONG_TEXT
        self._look_through(value)

    def _look_through(self, value: Value) -> None:
        """Note what stands at several places, and what is within itself."""
        repeated = 0
        for number, (part, met) in enumerate(walk(value)):
            if number % _CHUNK == 0:
                self._token.check()
            if met is Met.FIRST:
                continue
            self._shared.add(id(part))
            if met is Met.WITHIN:
                self._recursive.add(id(part))
            elif isinstance(part, Atom):
                repeated += min(size_of(part), _LONG_TEXT)
        if repeated > _REPEATED:
            self._long = _SHORT_TEXT

    def _next(self, value: Value | None = None) -> None:
        """Count an array or object, which is ``value`` where something can refer to it."""
        if value is not None:
            self._numbers[id(value)] = self._count
        self._count += 1

    def _is_long(self, key: Value) -> bool:
        """Tell whether a key is a text that is written once and referred to."""
        return isinstance(key, Atom) and id(key) in self._shared and size_of(key) >= self._long

    def _atom(self, atom: Atom) -> str:
        is_shared = id(atom) in self._shared and (atom.kind is Kind.BYTEARRAY or size_of(atom) >= self._long)
        if is_shared and id(atom) in self._numbers:
            return f'{{"py/id":{self._numbers[id(atom)]}}}'
        match atom.value:
            case str() as text:
                return self._scalar_call(atom, "str", string_json(text)) if is_shared else string_json(text)
            case None | bool() as word:
                return _CONSTANTS[word]
            case bytes() as octets:
                return self._bytes(atom, octets, is_shared=is_shared)
            case number:
                return self._number(atom, number)

    def _number(self, atom: Atom, number: complex) -> str:
        match number:
            case int():
                return self._int(atom, number)
            case float():
                return self._float(atom, number)
        self._next(atom)
        return called("complex", ",".join(self._float(None, part) for part in (number.real, number.imag)))

    def _scalar_call(self, atom: Atom | None, name: str, args: str) -> str:
        self._next(atom)
        return called(name, args)

    def _int(self, atom: Atom, number: int) -> str:
        if atom.kind is Kind.LONG:
            self._next(atom)
            content = decimal_text(number) if is_short(number) else self._scalar_call(None, "int", hexadecimal(number))
            return f'{{"shelfscope/long":{content}}}'
        return decimal_text(number) if is_short(number) else self._scalar_call(atom, "int", hexadecimal(number))

    def _float(self, atom: Atom | None, number: float) -> str:
        if math.isfinite(number):
            return float.__repr__(number)
        return self._scalar_call(atom, "float", f'"{number}"')

    def _bytes(self, atom: Atom, octets: bytes, *, is_shared: bool) -> str:
        if atom.kind is Kind.STR2:
            self._next(atom)
            return f'{{"shelfscope/str2":{string_json(octets.decode("latin-1"))}}}'
        content = bytes_json(octets)
        if atom.kind is Kind.BYTEARRAY:
            return self._scalar_call(atom, "bytearray", content)
        return self._scalar_call(atom, "bytes", content) if is_shared else content
