"""Objects in typed JSON: jsonpickle's py/object, py/reduce, py/type and py/function as parts of a model."""

from collections.abc import Callable, Iterator

from app.codecs.known.construct import construct
from app.codecs.model import Atom, Built, GlobalName, Items, Pairs, Style, Value
from app.codecs.nodes import Kind
from app.codecs.screen import escape_text, shorten
from app.codecs.typed.builtins import finished, pair_of, shell_for
from app.errors import EncodeError

Node = Value
"""A part of the JSON document: an `Atom`, a list, or a dict whose keys are texts."""

Taker = Callable[[Value], object]
Task = tuple[Node, Taker]
"""A node whose value is wanted, and what takes it."""

Attributes = Callable[[list[tuple[Node, Node]], list[tuple[Value, Value]]], Iterator[Task]]
"""What reads pairs of names and nodes."""

OBJECT_TAGS = ("py/object", "py/type", "py/reduce", "py/function")
_SHOWN_CHARS = 60
_RESERVED = frozenset(
    f"py/{name}"
    for name in (
        "bytes", "function", "id", "initargs", "iterator", "mod", "newargs", "newargsex", "newobj", "object",
        "property", "reduce", "ref", "repr", "seq", "set", "state", "tuple", "type",
    )
)  # fmt: skip
_MODULE_TAG = "shelfscope/module"
_SINGLETONS = {"builtins.ellipsis": "Ellipsis", "builtins.NotImplementedType": "NotImplemented"}
_MOMENTS = ("datetime.datetime", "datetime.date", "datetime.time")
_NEWOBJ = ("copyreg.__newobj__", "copy_reg.__newobj__")


class ObjectReader:
    """Makes objects of one document; ``number`` gives a value the next number of py/id."""

    def __init__(self, style: Style, number: Callable[[Value], None]) -> None:
        self._style = style
        self._number = number

    def start(self, tag: str, named: dict[str, Node], take: Taker, attributes: Attributes) -> Iterator[Task] | None:
        """Hand over the object behind a tag, to be filled by the tasks that are returned."""
        if tag == "py/reduce":
            return self._reduce(named[tag], take)
        name = _text(named[tag])
        if not name:
            raise EncodeError(f"{tag} needs the name of a class or function.")
        if tag != "py/object":
            take(global_name(name, named.get(_MODULE_TAG)))
            return None
        if name in _SINGLETONS:
            made: Value = GlobalName("builtins", _SINGLETONS[name])
            self._number(made)
            take(made)
            return None
        return self._object(name, named, take, attributes)

    def iterator(self, content: Node, take: Taker) -> Iterator[Task]:
        """Read an iterator over a list as what makes one again."""
        args = Items(Kind.TUPLE)
        take(Built(GlobalName("builtins", "iter"), args, is_call=True))
        yield content, args.items.append

    def _object(self, name: str, named: dict[str, Node], take: Taker, attributes: Attributes) -> Iterator[Task]:
        if name in _MOMENTS and "__reduce__" in named:
            return self._moment(name, named["__reduce__"], take)
        if (known := _KNOWN.get(name)) is not None and all(field in named for field in known[1]):
            return self._known(known[0], [named[field] for field in known[1]], take)
        if name == "builtins.complex" and "py/newargs" in named:
            return self._reduced(
                [Pairs([(Atom(Kind.STR, "py/type"), Atom(Kind.STR, name))]), named["py/newargs"]], take
            )
        made = Built(global_name(name), Items(Kind.TUPLE))
        self._number(made)
        take(made)
        return self._instance(made, named, attributes)

    def _instance(self, made: Built, named: dict[str, Node], attributes: Attributes) -> Iterator[Task]:
        """Read what an object is made of, in the order in which jsonpickle does."""
        pairs: list[tuple[Node, Node]] = [
            (self._name(name), node) for name, node in named.items() if name not in _RESERVED
        ]
        is_dict = "__dict__" in named or "default_factory" in named
        if "default_factory" in named:
            pairs = [pair for pair in pairs if _plain(pair[0]) != "default_factory"]
            made.is_call = True
            yield named["default_factory"], _arguments(made).append
        yield from self._new_arguments(made, named)
        if is_dict:
            own = [pair for pair in pairs if _plain(pair[0]) == "__dict__"]
            yield from attributes([pair for pair in pairs if pair not in own], made.dictitems)
            for _, node in own:
                yield node, made.states.append if isinstance(node, Pairs) and node.pairs else _ignore
        else:
            state = Pairs()
            yield from attributes(pairs, state.pairs)
            if state.pairs:
                made.states.append(state)
        if "py/seq" in named and not _is_tuple(named):
            yield from ((item, made.listitems.append) for item in _array("py/seq", named["py/seq"]))
        if "py/state" in named:
            yield named["py/state"], made.states.append

    def _new_arguments(self, made: Built, named: dict[str, Node]) -> Iterator[Task]:
        if "py/newargsex" in named:
            given = _array("py/newargsex", named["py/newargsex"])
            if len(given) != 2:
                raise EncodeError("py/newargsex needs two things: arguments, and arguments with names.")
            found: list[Value] = []
            yield given[0], found.append
            yield given[1], found.append
            made.args = _as_tuple("py/newargsex", found[0])
            if not isinstance(found[1], Pairs):
                raise EncodeError("The arguments with names in py/newargsex are no object.")
            made.kwargs = found[1] if found[1].pairs else None
            return
        for tag in ("py/newargs", "py/initargs"):
            if tag in named:
                found = []
                yield named[tag], found.append
                made.args = _as_tuple(tag, found[0])
                return

    def _reduce(self, content: Node, take: Taker) -> Iterator[Task]:
        return self._reduced(_array("py/reduce", content), take)

    def _reduced(self, parts: list[Node], take: Taker) -> Iterator[Task]:
        if not 2 <= len(parts) <= 5:
            raise EncodeError("py/reduce needs a callable, its arguments, and perhaps a state, items and pairs.")
        made = shell_for(_callable_name(parts[0]))
        self._number(made)
        take(made)
        return self._parts_of_reduce(made, parts)

    def _parts_of_reduce(self, made: Value, parts: list[Node]) -> Iterator[Task]:
        found: list[Value] = []
        for part in parts:
            yield part, found.append
        function, args = found[0], _as_tuple("py/reduce", found[1])
        state, items, pairs = (found[2:] + [None] * 3)[:3]
        if not isinstance(made, Built):
            finished(made, args)
            return
        made.cls, made.args, made.is_call = function, args, True
        is_new = isinstance(function, GlobalName) and f"{function.module}.{function.name}" in _NEWOBJ
        if (is_new or _plain(function) == "py/newobj") and args.items:
            made.cls, made.args, made.is_call = args.items[0], Items(Kind.TUPLE, args.items[1:]), False
        if state is not None and not _is_null(state):
            made.states.append(state)
        if items is not None and not _is_null(items):
            made.listitems = _as_tuple("py/reduce", items).items
        if pairs is not None and not _is_null(pairs):
            made.dictitems = [pair_of(pair) for pair in _as_tuple("py/reduce", pairs).items]

    def _moment(self, name: str, content: Node, take: Taker) -> Iterator[Task]:
        """Read what jsonpickle writes of dates and times: their class, and base64 of their packed state."""
        given = _array("__reduce__", content)
        args = _array("__reduce__", given[1]) if len(given) == 2 else []
        if not args:
            raise EncodeError(f"The __reduce__ of {name} has no arguments.")
        made = Built(global_name(name), Items(Kind.TUPLE), is_call=True)
        self._number(made)
        take(made)
        yield _tagged("py/b64", args[0]), _arguments(made).append
        yield from ((arg, _arguments(made).append) for arg in args[1:])

    def _known(self, name: str, fields: list[Node], take: Taker) -> Iterator[Task]:
        """Read an object that jsonpickle writes in a way of its own."""
        made = Built(GlobalName("builtins", "object"), Items(Kind.TUPLE))
        self._number(made)
        take(made)
        found: list[Value] = []
        for node in fields:
            yield node, found.append
        value = construct(name, found, {}, self._style)
        if not isinstance(value, Built):
            raise EncodeError(f"{name} cannot be made of this.")
        for field in ("cls", "args", "kwargs", "is_call", "states", "listitems", "dictitems"):
            setattr(made, field, getattr(value, field))

    def _name(self, name: str) -> Atom:
        """Return the name of an attribute as the Python of this style has it."""
        if self._style.is_python2 and name.isascii():
            return Atom(Kind.STR2, name.encode("ascii"))
        return Atom(Kind.STR, name)


_KNOWN = {
    "uuid.UUID": ("uuid.UUID", ("hex",)),
    "re.Pattern": ("re.compile", ("pattern",)),
    "array.array": ("array.array", ("typecode", "values")),
}
"""What jsonpickle has handlers of its own for: the name to construct it by, and the fields."""


def global_name(name: str, module: Node | None = None) -> GlobalName:
    """Return a class or function by its dotted name.

    Without ``module``, the module ends with the last name in small letters that is not the last of all.
    """
    known = _text(module) if module is not None else ""
    if known and name.startswith(known + "."):
        return GlobalName(known, name[len(known) + 1 :])
    names = name.split(".")
    if len(names) < 2 or not all(names):
        raise EncodeError(f"{escape_text(shorten(name, _SHOWN_CHARS))} is no name of a class or function in a module.")
    if names[0] == "builtins":
        return GlobalName("builtins", ".".join(names[1:]))
    ends = [place for place, part in enumerate(names[:-1], 1) if not part[0].isupper()]
    end = ends[-1] if ends else len(names) - 1
    return GlobalName(".".join(names[:end]), ".".join(names[end:]))


def _tagged(tag: str, content: Node) -> Node:
    return Pairs([(Atom(Kind.STR, tag), content)])


def _callable_name(node: Node) -> str:
    """Return the name of a type that is called, else an empty text: ``py/function`` stands for the call itself."""
    for key, value in node.pairs if isinstance(node, Pairs) else ():
        if _text(key) == "py/type":
            return _text(value)
    return ""


def _text(node: Node) -> str:
    return node.value if isinstance(node, Atom) and isinstance(node.value, str) else ""


def _plain(value: Value) -> str:
    """Return the text of a name of either kind."""
    content = value.value if isinstance(value, Atom) else None
    return content.decode("latin-1") if isinstance(content, bytes) else content if isinstance(content, str) else ""


def _is_null(value: Value) -> bool:
    return isinstance(value, Atom) and value.kind is Kind.NONE


def _array(tag: str, node: Node) -> list[Node]:
    if not isinstance(node, Items):
        raise EncodeError(f"{tag} needs an array.")
    return node.items


def _as_tuple(tag: str, value: Value) -> Items:
    if not isinstance(value, Items) or value.kind not in (Kind.LIST, Kind.TUPLE):
        raise EncodeError(f"{tag} is given arguments that are neither a tuple nor an array.")
    return value if value.kind is Kind.TUPLE else Items(Kind.TUPLE, value.items)


def _arguments(made: Built) -> list[Value]:
    return made.args.items if isinstance(made.args, Items) else []


def _ignore(_: Value) -> None:
    """Take a value that is read only because what it holds is counted."""


def _is_tuple(named: dict[str, Node]) -> bool:
    """Tell whether py/seq repeats the arguments of a tuple's class, as jsonpickle writes it."""
    given, seq = named.get("py/newargs"), named["py/seq"]
    args = _array_in_tuple(given)
    size = len(seq.items) if isinstance(seq, Items) else -1
    return len(args) == size or (len(args) == 1 and len(_array_in_tuple(args[0])) == size)


def _array_in_tuple(node: Node | None) -> list[Node]:
    for key, value in node.pairs if isinstance(node, Pairs) else ():
        if _text(key) == "py/tuple" and isinstance(value, Items):
            return value.items
    return []
