"""Typed JSON as values that are to be written: jsonpickle's tags and our own, as docs/TYPED_JSON.md has them.

Nothing is imported or called. References are counted as jsonpickle counts them when it reads with ``keys=True``.

References:
    jsonpickle 4.1, ``jsonpickle/unpickler.py``, ``Unpickler._restore_tags`` and ``_mkref``.
"""

import base64
import binascii
from collections.abc import Callable, Iterator

from app.cancel import CancelToken
from app.codecs.model import Atom, Items, Pairs, Style, Value
from app.codecs.model_keys import identity
from app.codecs.nodes import Kind
from app.codecs.plain.reading import json_value
from app.codecs.screen import escape_text, shorten
from app.codecs.typed.objects import OBJECT_TAGS, Node, ObjectReader, Taker, Task
from app.codecs.typed.own import OwnReader, own_tag
from app.errors import EncodeError

JSON_KEY = "json://"
_CHUNK = 4096
"""Nodes between two looks at the token."""

_SHOWN_CHARS = 40
_TAGS = ("py/tuple", "py/set", "py/b64", "py/b85", "py/id", "py/iterator", *OBJECT_TAGS, "py/mod", "py/repr")
"""In the order in which jsonpickle looks for them."""


def typed_value(text: str, style: Style, token: CancelToken) -> Value:
    """Return what a document of typed JSON says.

    Raises:
        EncodeError: it is no JSON, a tag is used wrongly, or it holds code; says what.
        Cancelled: by ``token``.
    """
    return _Reader(style, token).read(json_value(text, token))


class _Reader:
    """One document. What is open is a list, so nesting costs no recursion."""

    def __init__(self, style: Style, token: CancelToken) -> None:
        self._token = token
        self._numbered: list[Value] = []
        self._unchecked: list[Value] = []
        self._objects = ObjectReader(style, self._numbered.append)
        self._own = OwnReader(self._numbered)

    def read(self, node: Node) -> Value:
        root: list[Value] = []
        waiting: list[Iterator[Task]] = [iter([(node, root.append)])]
        steps = 0
        while waiting:
            task = next(waiting[-1], None)
            if task is None:
                waiting.pop()
                continue
            steps += 1
            if steps % _CHUNK == 0:
                self._token.check()
            following = self._start(*task)
            if following is not None:
                waiting.append(following)
        for container in self._unchecked:
            _check_distinct(container)
        return root[0]

    def _start(self, node: Node, take: Taker) -> Iterator[Task] | None:
        """Hand over the value of a node, to be filled by the tasks that are returned."""
        if isinstance(node, Items):
            return self._items(Kind.LIST, node, take)
        if not isinstance(node, Pairs):
            take(node)
            return None
        named = _named(node)
        tag = next((tag for tag in _TAGS if tag in named), "")
        if tag:
            return self._tagged(tag, named, take)
        own = own_tag(named)
        return self._own.start(own, named[own], take) if own else self._dict(node, take)

    def _tagged(self, tag: str, named: dict[str, Node], take: Taker) -> Iterator[Task] | None:
        content = named[tag]
        match tag:
            case "py/tuple":
                return self._items(Kind.TUPLE, content, take, tag)
            case "py/set":
                return self._items(Kind.SET, content, take, tag)
            case "py/b64" | "py/b85":
                take(Atom(Kind.BYTES, _octets(tag, content)))
                return None
            case "py/id":
                take(self._referred(content))
                return None
            case "py/iterator":
                return self._objects.iterator(content, take)
            case "py/mod" | "py/repr":
                what = "a module" if tag == "py/mod" else "code, which is never run"
                raise EncodeError(f"{tag} stands for {what}; no value can hold that.")
        return self._objects.start(tag, named, take, self._attributes)

    def _items(self, kind: Kind, node: Node, take: Taker, tag: str = "") -> Iterator[Task]:
        if not isinstance(node, Items):
            raise EncodeError(f"{tag} needs an array.")
        made = Items(kind)
        if kind is Kind.LIST:
            self._numbered.append(made)
        elif kind is Kind.SET:
            self._unchecked.append(made)
        take(made)
        return ((child, made.items.append) for child in node.items)

    def _dict(self, node: Pairs, take: Taker) -> Iterator[Task]:
        made = Pairs()
        self._numbered.append(made)
        take(made)
        return self._attributes(node.pairs, made.pairs)

    def _attributes(self, source: list[tuple[Node, Node]], found: list[tuple[Value, Value]]) -> Iterator[Task]:
        """Read pairs into ``found`` in their order; keys that are documents of their own are numbered last."""
        pairs: list[list[Value]] = [[key] for key, _ in source]
        documents = []
        for pair, (key, value) in zip(pairs, source, strict=True):
            if _text(key).startswith(JSON_KEY):
                documents.append((pair, key, value))
            else:
                yield value, pair.append
        for pair, key, value in documents:
            pair.clear()
            yield json_value(_text(key).removeprefix(JSON_KEY), self._token), pair.append
            yield value, pair.append
        found += [(pair[0], pair[1]) for pair in pairs]
        if documents:
            self._unchecked.append(Pairs(found))

    def _referred(self, content: Node) -> Value:
        number = content.value if isinstance(content, Atom) else None
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < len(self._numbered):
            raise EncodeError(f"py/id {_shown(content)} refers to nothing that stands before it.")
        return self._numbered[number]


def _named(node: Pairs) -> dict[str, Node]:
    return {_text(key): value for key, value in node.pairs}


def _text(node: Node) -> str:
    return node.value if isinstance(node, Atom) and isinstance(node.value, str) else ""


def _shown(node: Node) -> str:
    return escape_text(shorten(str(node.value), _SHOWN_CHARS)) if isinstance(node, Atom) else "with a structure"


def _octets(tag: str, content: Node) -> bytes:
    decode: Callable[[str], bytes] = _base64 if tag == "py/b64" else base64.b85decode
    try:
        return decode(_text(content))
    except (binascii.Error, ValueError) as error:
        raise EncodeError(f"The text of {tag} is wrong: {_shown(content)}.") from error


def _base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _check_distinct(container: Value) -> None:
    """Refuse two keys or elements that would be one."""
    keys = [key for key, _ in container.pairs] if isinstance(container, Pairs) else []
    keys += container.items if isinstance(container, Items) else []
    if len({identity(key) for key in keys}) < len(keys):
        raise EncodeError("A key of a dict or an element of a set stands there twice.")
