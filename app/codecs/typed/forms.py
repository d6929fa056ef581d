"""In which form typed JSON writes an object, so that jsonpickle makes an equal one and our reader the same.

References:
    jsonpickle 4.1, ``jsonpickle/unpickler.py``, ``_restore_object_instance``, ``_restore_state``, ``_restore_reduce``.
"""

from enum import Enum, auto

from app.codecs.model import Atom, Built, Extension, GlobalName, Items, OutOfBand, Pairs, PersistentId, Value
from app.codecs.model_walk import children
from app.codecs.nodes import Kind
from app.codecs.typed.names import is_plain, python3_names

_HANDLED = frozenset(
    {
        *("array.array", "datetime.datetime", "datetime.date", "datetime.time", "re.Pattern", "queue.Queue"),
        *("uuid.UUID", "_thread.lock", "_io.TextIOWrapper"),
        *("builtins.complex", "builtins.ellipsis", "builtins.NotImplementedType"),
    }
)
"""Classes whose py/object jsonpickle, or our reader, takes for something else."""

_UNHASHABLE = frozenset({Kind.LIST, Kind.SET, Kind.BYTEARRAY})
_PYTHON2 = frozenset({Kind.STR2, Kind.LONG})
_KEY_PARTS = 1000
"""Parts of a key that are looked at."""


class Form(Enum):
    """What an object is written as."""

    OBJECT = auto()
    """``py/object`` with ``py/state``: it can refer to itself."""
    NEW = auto()
    """``py/reduce`` of ``copyreg.__newobj__``."""
    CALL = auto()
    """``py/reduce`` of the callable itself."""
    OWN = auto()
    """``shelfscope/object``: jsonpickle has nothing for it."""


def form_of(value: Built, shared: set[int], *, is_recursive: bool) -> Form:
    """Return the form of an object; ``shared`` are the ids of what stands at several places."""
    if value.setters or value.is_old_style or len(value.states) > 1 or not _is_tuple(value.args):
        return Form.OWN
    if _has_kwargs(value):
        fits = not value.is_call and _can_be_object(value) and not (value.listitems or value.dictitems)
        return Form.OBJECT if fits else Form.OWN
    if class_of(value, shared) is not None and _can_be_object(value) and not _needs_reduce(value, is_recursive):
        return Form.OBJECT
    if value.states and _is_none(value.states[0]):
        return Form.OWN
    if value.is_call:
        return Form.CALL
    return Form.OWN if id(value.args) in shared else Form.NEW


def class_of(value: Built, shared: set[int]) -> Value | None:
    """Return the class that makes the object by ``__new__``, also as protocols 0 and 1 write it; None for a call."""
    if not value.is_call:
        return value.cls
    return _rebuilt_class(value) if id(value.args) not in shared else None


def _rebuilt_class(value: Built) -> Value | None:
    """Return the class of ``copyreg._reconstructor(cls, object, None)``."""
    if not isinstance(value.cls, GlobalName) or python3_names(value.cls) != ("copyreg", "_reconstructor"):
        return None
    match value.args:
        case Items(items=[cls, GlobalName() as base, Atom(kind=Kind.NONE)]) if _is_object(base):
            return cls
    return None


def new_arguments(value: Built) -> list[Value]:
    """Return what ``__new__`` is given beside the class."""
    return value.args.items if not value.is_call and isinstance(value.args, Items) else []


def _can_be_object(value: Built) -> bool:
    """Tell whether the class is one that jsonpickle and our reader find by the name of ``py/object``."""
    cls = class_of(value, set())
    if not isinstance(cls, GlobalName) or (names := python3_names(cls)) is None:
        return False
    return is_plain(names) and ".".join(names) not in _HANDLED


def _needs_reduce(value: Built, is_recursive: bool) -> bool:
    """Tell whether jsonpickle would lose something in ``py/object``: pairs, or attributes of tuples and the like."""
    if value.dictitems:
        return True
    args = new_arguments(value)
    if args and value.listitems:
        return True
    return bool(args) and bool(value.states) and isinstance(value.states[0], Pairs) and not is_recursive


def is_python3_key(key: Value, shared: set[int]) -> bool:
    """Tell whether a dict of Python 3 can have a key, and jsonpickle can make it."""
    waiting = [(key, False)]
    for _ in range(_KEY_PARTS):
        if not waiting:
            return True
        part, is_argument = waiting.pop()
        if not _is_python3_part(part, shared, is_argument=is_argument):
            return False
        inside = is_argument or isinstance(part, Built)
        waiting += [(child, inside) for child in children(part)]
    return False


def _is_python3_part(part: Value, shared: set[int], *, is_argument: bool) -> bool:
    match part:
        case Atom(kind=kind) | Items(kind=kind):
            return kind not in _PYTHON2 and (is_argument or kind not in _UNHASHABLE)
        case Pairs():
            return is_argument
        case GlobalName():
            return python3_names(part) is not None
        case Built():
            return form_of(part, shared, is_recursive=False) is not Form.OWN
        case PersistentId() | Extension() | OutOfBand():
            return False


def _has_kwargs(value: Built) -> bool:
    return value.kwargs is not None and bool(value.kwargs.pairs)


def _is_tuple(args: Value) -> bool:
    return isinstance(args, Items) and args.kind is Kind.TUPLE


def _is_none(value: Value) -> bool:
    return isinstance(value, Atom) and value.kind is Kind.NONE


def _is_object(base: GlobalName) -> bool:
    return python3_names(base) == ("builtins", "object")
