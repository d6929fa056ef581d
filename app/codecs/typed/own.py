"""Our own tags in typed JSON, for what jsonpickle has none: docs/TYPED_JSON.md lists them."""

from collections.abc import Callable, Iterator
from typing import cast

from app.codecs.model import Atom, Built, Extension, GlobalName, Items, OutOfBand, Pairs, PersistentId, Value
from app.codecs.nodes import Kind
from app.codecs.screen import escape_text, shorten
from app.codecs.typed.builtins import pair_of
from app.codecs.typed.objects import Node, Taker, Task
from app.errors import EncodeError

_PREFIX = "shelfscope/"
_SHARED = "shelfscope/shared"
_RAW = "shelfscope/raw"
_SHOWN_CHARS = 40
_NONE = Atom(Kind.NONE, None)
_BUFFERS = {"writable": False, "read-only": True}
_WAYS = ("call", "new", "old-style")
_FIELDS = frozenset({"class", "args", "kwargs", "how", "states", "listitems", "dictitems", "setters"})


def own_tag(named: dict[str, Node]) -> str:
    """Return the tag of ours that an object has, empty when it has none."""
    return next((name for name in named if name.startswith(_PREFIX)), "")


class OwnReader:
    """Makes the values behind our tags in one document; ``numbered`` are the values that py/id can name."""

    def __init__(self, numbered: list[Value]) -> None:
        self._numbered = numbered

    def start(self, tag: str, content: Node, take: Taker) -> Iterator[Task]:
        """Hand over the value behind a tag, to be filled by the tasks that are returned."""
        if tag == _SHARED:
            return self._shared(content, take)
        if tag == _RAW:
            raise EncodeError("shelfscope/raw holds the bytes of a whole value, which can be stored only as they are.")
        if tag not in _TAGS:
            raise EncodeError(f"There is no tag {escape_text(shorten(tag, _SHOWN_CHARS))} in typed JSON.")
        shell, fill = _TAGS[tag]
        made = shell()
        self._numbered.append(made)
        take(made)
        return _filled(made, content, fill)

    def _shared(self, content: Node, take: Taker) -> Iterator[Task]:
        """Give a number to what has none by itself."""
        place = len(self._numbered)
        self._numbered.append(_NONE)

        def take_numbered(value: Value) -> None:
            self._numbered[place] = value
            take(value)

        yield content, take_numbered


def _filled(made: Value, content: Node, fill: Callable[[Value, Value], None]) -> Iterator[Task]:
    found: list[Value] = []
    yield content, found.append
    fill(made, found[0])


def _fill_str2(made: Value, content: Value) -> None:
    try:
        cast("Atom", made).value = _text(content).encode("latin-1")
    except UnicodeEncodeError as error:
        raise EncodeError("shelfscope/str2 needs a text of characters up to U+00FF, one for each byte.") from error


def _fill_long(made: Value, content: Value) -> None:
    number = content.value if isinstance(content, Atom) else None
    if not isinstance(number, int) or isinstance(number, bool):
        raise EncodeError("shelfscope/long needs a whole number.")
    cast("Atom", made).value = number


def _fill_pairs(made: Value, content: Value) -> None:
    cast("Pairs", made).pairs = [pair_of(pair) for pair in _array("shelfscope/pairs", content)]


def _fill_id(made: Value, content: Value) -> None:
    cast("PersistentId", made).id = content


def _fill_ext(made: Value, content: Value) -> None:
    code = content.value if isinstance(content, Atom) else None
    if not isinstance(code, int) or isinstance(code, bool):
        raise EncodeError("shelfscope/ext needs a code, a whole number.")
    cast("Extension", made).code = code


def _fill_buffer(made: Value, content: Value) -> None:
    word = _text(content)
    if word not in _BUFFERS:
        raise EncodeError("shelfscope/buffer needs the word writable or read-only.")
    cast("OutOfBand", made).is_read_only = _BUFFERS[word]


def _fill_global(made: Value, content: Value) -> None:
    names = [part.value for part in _array("shelfscope/global", content) if isinstance(part, Atom)]
    match names:
        case [str() as module, str() as name]:
            protocol = None
        case [str() as module, str() as name, int() as protocol]:
            pass
        case _:
            raise EncodeError("shelfscope/global needs a module, a name, and perhaps the protocol they are written in.")
    found = cast("GlobalName", made)
    found.module, found.name, found.written_in = module, name, protocol


def _fill_object(made: Value, content: Value) -> None:
    built = cast("Built", made)
    fields = _fields(content)
    built.cls = fields.get("class", _NONE)
    built.args = fields.get("args", Items(Kind.TUPLE))
    how = _text(fields["how"]) if "how" in fields else "new"
    if how not in _WAYS or "class" not in fields:
        raise EncodeError("shelfscope/object needs a class, and how it is made: call, new or old-style.")
    built.is_call, built.is_old_style = how == "call", how == "old-style"
    kwargs = fields.get("kwargs")
    if kwargs is not None and not isinstance(kwargs, Pairs):
        raise EncodeError("The kwargs of shelfscope/object are no dict.")
    built.kwargs = kwargs
    lists = {name: _array(name, fields[name]) if name in fields else [] for name in _LISTS}
    built.states, built.listitems = lists["states"], lists["listitems"]
    built.dictitems = [pair_of(pair) for pair in lists["dictitems"]]
    built.setters = [pair_of(pair) for pair in lists["setters"]]


_LISTS = ("states", "listitems", "dictitems", "setters")


def _fields(content: Value) -> dict[str, Value]:
    fields = {_text(key): value for key, value in content.pairs} if isinstance(content, Pairs) else {}
    unknown = set(fields) - _FIELDS
    if unknown:
        shown = escape_text(shorten(min(unknown), _SHOWN_CHARS))
        raise EncodeError(f"shelfscope/object has no field {shown}.")
    return fields


def _array(tag: str, content: Value) -> list[Value]:
    if not isinstance(content, Items):
        raise EncodeError(f"{tag} needs an array.")
    return content.items


def _text(node: Value) -> str:
    return node.value if isinstance(node, Atom) and isinstance(node.value, str) else ""


_TAGS: dict[str, tuple[Callable[[], Value], Callable[[Value, Value], None]]] = {
    "shelfscope/str2": (lambda: Atom(Kind.STR2, b""), _fill_str2),
    "shelfscope/long": (lambda: Atom(Kind.LONG, 0), _fill_long),
    "shelfscope/pairs": (Pairs, _fill_pairs),
    "shelfscope/persid": (lambda: PersistentId(_NONE), _fill_id),
    "shelfscope/persid_text": (lambda: PersistentId(_NONE, is_text=True), _fill_id),
    "shelfscope/ext": (lambda: Extension(0), _fill_ext),
    "shelfscope/buffer": (OutOfBand, _fill_buffer),
    "shelfscope/global": (lambda: GlobalName("", ""), _fill_global),
    "shelfscope/object": (lambda: Built(_NONE, _NONE), _fill_object),
}
"""By tag: what makes the empty part, and what fills it from its content once that is read."""
