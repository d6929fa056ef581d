"""Typed JSON of values (DESIGN section 6): jsonpickle's tags and our own, streamed, without recursion.

References:
    docs/TYPED_JSON.md; jsonpickle 4.1, ``jsonpickle/unpickler.py``, which says how py/id counts.
"""

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence

from app.cancel import CancelToken
from app.codecs.model import Atom, Built, Extension, GlobalName, Items, OutOfBand, Pairs, PersistentId, Value
from app.codecs.nodes import Kind
from app.codecs.plain.scalars import string_json
from app.codecs.typed.forms import Form, class_of, form_of, is_python3_key, new_arguments
from app.codecs.typed.names import (
    JSON_KEY,
    class_json,
    is_plain_key,
    key_document,
    key_identity,
    python3_names,
)
from app.codecs.typed.parts import Pair, Part, listed, members
from app.codecs.typed.scalar_writing import ScalarWriter
from app.errors import CodecError

_PIECES_JOINED = 512
_LONG_PIECE = 1_000
"""Characters of a piece that is handed on at once."""


def typed_pieces(value: Value, token: CancelToken) -> Iterator[str]:
    """Yield the typed JSON of a value in pieces; joined they are one document without a line break.

    Raises:
        Cancelled: by ``token``.
    """
    yield from _Writer(value, token).write(value)


def typed_whole(model: Callable[[], Value], data: bytes, token: CancelToken) -> Iterator[str]:
    """Yield the typed JSON of a whole value; its bytes where it is damaged or nothing else could bring it back.

    Raises:
        Cancelled: by ``token``.
    """
    try:
        value = model()
    except CodecError as error:
        yield raw_json(data, error.message)
    else:
        yield from typed_pieces(value, token)


def raw_json(data: bytes | None, why: str) -> str:
    """Return a value as its bytes, and why; None for one whose bytes could not be read."""
    content = "null" if data is None else f'"{b64encode(data).decode("ascii")}"'
    return f'{{"shelfscope/raw":{{"why":{string_json(why)},"base64":{content}}}}}'


class _Writer(ScalarWriter):
    """One document. What is open is a list of iterators."""

    def __init__(self, value: Value, token: CancelToken) -> None:
        super().__init__(value, token)
        self._keys: dict[int, bool] = {}

    def write(self, value: Value) -> Iterator[str]:
        frames: list[Iterator[Part]] = [iter((value,))]
        waiting: list[str] = []
        while frames:
            for part in frames[-1]:
                piece = part if isinstance(part, str) else self._node(part)
                if not isinstance(piece, str):
                    frames.append(piece)
                    break  # its parts come first
                waiting.append(piece)
                if len(waiting) >= _PIECES_JOINED or len(piece) >= _LONG_PIECE:
                    self._token.check()
                    yield "".join(waiting)
                    waiting.clear()
            else:
                frames.pop()
        yield "".join(waiting)

    def _array(self, values: Iterable[Value]) -> Iterator[Part]:
        self._next()
        yield from listed(values)

    def _pair_array(self, pairs: Iterable[Pair]) -> Iterator[Part]:
        self._next()
        separator = "["
        for pair in pairs:
            yield separator
            yield from self._array(pair)
            separator = ","
        yield "[]" if separator == "[" else "]"

    # ---- what stands where

    def _node(self, value: Value) -> str | Iterator[Part]:
        """Return the JSON of a value without structure, or the parts of any other."""
        if isinstance(value, Atom):
            return self._atom(value)
        number = self._numbers.get(id(value))
        if number is not None:
            return f'{{"py/id":{number}}}'
        return self._parts(value)

    def _parts(self, value: Value) -> str | Iterator[Part]:
        match value:
            case Items():
                return self._items(value)
            case Pairs():
                return self._dict(value)
            case Built():
                return self._object(value)
            case GlobalName():
                return self._global(value)
        return self._outside(value)

    def _items(self, value: Items) -> Iterator[Part]:
        if value.kind is Kind.LIST:
            self._next(value)
            yield from listed(value.items)
        elif value.kind is Kind.FROZENSET or (id(value) in self._shared and value.items):
            self._next(value)
            self._unfinished.add(id(value))
            yield f'{{"py/reduce":[{{"py/type":"builtins.{value.kind}"}},{{"py/tuple":['
            yield from self._array(value.items)
            yield "]}]}"
            self._unfinished.discard(id(value))
        else:
            yield f'{{"py/{value.kind}":'
            yield from listed(value.items)
            yield "}"

    def _global(self, value: GlobalName, tag: str = "py/type") -> str:
        names = python3_names(value)
        if names is not None:
            return class_json(names, tag)
        self._next(value)
        self._next()
        known = "" if value.written_in is None else f",{value.written_in}"
        return f'{{"shelfscope/global":[{string_json(value.module)},{string_json(value.name)}{known}]}}'

    def _outside(self, value: Value) -> str | Iterator[Part]:
        self._next(value)
        match value:
            case PersistentId():
                tag = "persid_text" if value.is_text else "persid"
                return iter((f'{{"shelfscope/{tag}":', value.id, "}"))
            case Extension():
                return f'{{"shelfscope/ext":{value.code}}}'
            case OutOfBand():
                return f'{{"shelfscope/buffer":"{"read-only" if value.is_read_only else "writable"}"}}'
        raise TypeError(f"{type(value)} is no part of a model.")

    # ---- dicts

    def _dict(self, value: Pairs) -> Iterator[Part]:
        """Return a dict as an object; as an array of pairs where its keys are more than an object can have."""
        self._next(value)
        pairs = value.pairs
        names = self._plain_names(pairs) if not self._unfinished else None
        if names is not None:
            return members(names, pairs)
        documents = [self._key_document(key) for key, _ in pairs]
        known = {key_identity(key, found) for (key, _), found in zip(pairs, documents, strict=True) if found}
        if len(known) < sum(found is not None for found in documents):
            return self._own_pairs(pairs)
        whole = [found for found in documents if found is not None]
        if len(whole) == len(pairs):
            return members(self._names(pairs, whole), pairs)
        if all(found is not None or self._is_key(key) for (key, _), found in zip(pairs, documents, strict=True)):
            return self._called_pairs(pairs)
        return self._own_pairs(pairs)

    def _plain_names(self, pairs: Sequence[Pair]) -> list[str] | None:
        """Return the JSON of keys that are all texts, all different and none like a tag, else None."""
        texts = [key.value for key, _ in pairs if is_plain_key(key) and not self._is_long(key)]
        if len(texts) < len(pairs) or len(set(texts)) < len(pairs):
            return None
        return [string_json(str(text)) for text in texts]

    def _key_document(self, key: Value) -> str | None:
        return None if self._is_long(key) else key_document(key, self._shared)

    def _names(self, pairs: Sequence[Pair], documents: Sequence[str]) -> list[str]:
        """Return names of members: from the first key that is none by itself on, all are documents.

        jsonpickle reads those after all others, so that the order stays; and there only it looks for values
        that are not made yet.
        """
        names = []
        is_plain = True
        for (key, value), document in zip(pairs, documents, strict=True):
            is_plain = is_plain and is_plain_key(key) and id(value) not in self._unfinished
            names.append(document if is_plain else string_json(JSON_KEY + document))
        return names

    def _is_key(self, key: Value) -> bool:
        known = self._keys.get(id(key))
        if known is None:
            known = self._keys[id(key)] = is_python3_key(key, self._shared)
        return known

    def _called_pairs(self, pairs: Sequence[Pair]) -> Iterator[Part]:
        yield '{"py/reduce":[{"py/type":"builtins.dict"},{"py/tuple":['
        yield from self._pair_array(pairs)
        yield "]}]}"

    def _own_pairs(self, pairs: Sequence[Pair]) -> Iterator[Part]:
        yield '{"shelfscope/pairs":'
        yield from self._pair_array(pairs)
        yield "}"

    # ---- objects

    def _object(self, value: Built) -> Iterator[Part]:
        self._next(value)
        match form_of(value, self._shared, is_recursive=id(value) in self._recursive):
            case Form.OBJECT:
                return self._instance(value)
            case Form.NEW:
                return self._reduced(value, self._new_call(value))
            case Form.CALL:
                return self._reduced(value, self._call(value))
            case Form.OWN:
                return self._own_object(value)

    def _instance(self, value: Built) -> Iterator[Part]:
        cls = class_of(value, self._shared)
        names = python3_names(cls) if isinstance(cls, GlobalName) else None
        yield f'{{"py/object":{string_json(".".join(names or ()))}'
        self._unfinished.add(id(value))
        if value.kwargs is not None and value.kwargs.pairs:
            yield from (',"py/newargsex":[', value.args, ",", value.kwargs, "]")
        elif new_arguments(value):
            yield from (',"py/newargs":', value.args)
        self._unfinished.discard(id(value))
        if value.listitems:
            yield ',"py/seq":'
            yield from listed(value.listitems)
        if value.states:
            yield from (',"py/state":', value.states[0])
        yield "}"

    def _new_call(self, value: Built) -> Iterator[Part]:
        yield '{"py/function":"copyreg.__newobj__"},{"py/tuple":'
        yield from listed([value.cls, *new_arguments(value)])
        yield "}"

    def _call(self, value: Built) -> Iterator[Part]:
        """Yield callable and arguments; a builtin as a function, as our reader takes its type for the value itself."""
        cls = value.cls
        if isinstance(cls, GlobalName) and id(cls) not in self._numbers:
            is_builtin = (python3_names(cls) or ("", ""))[0] == "builtins"
            yield self._global(cls, "py/function" if is_builtin else "py/type")
        else:
            yield cls
        yield from (",", value.args)

    def _reduced(self, value: Built, call: Iterator[Part]) -> Iterator[Part]:
        self._unfinished.add(id(value))
        yield '{"py/reduce":['
        yield from call
        if value.states or value.listitems or value.dictitems:
            yield from (",", value.states[0] if value.states else "null")
        if value.listitems or value.dictitems:
            yield ","
            yield from self._array(value.listitems) if value.listitems else ("null",)
        if value.dictitems:
            yield ","
            yield from self._pair_array(value.dictitems)
        yield "]}"
        self._unfinished.discard(id(value))

    def _own_object(self, value: Built) -> Iterator[Part]:
        self._next()
        how = "old-style" if value.is_old_style else "call" if value.is_call else "new"
        yield from ('{"shelfscope/object":{"class":', value.cls, ',"args":', value.args, f',"how":"{how}"')
        if value.kwargs is not None:
            yield from (',"kwargs":', value.kwargs)
        for name, values in (("states", value.states), ("listitems", value.listitems)):
            if values:
                yield f',"{name}":'
                yield from self._array(values)
        for name, pairs in (("dictitems", value.dictitems), ("setters", value.setters)):
            if pairs:
                yield f',"{name}":'
                yield from self._pair_array(pairs)
        yield "}}"
