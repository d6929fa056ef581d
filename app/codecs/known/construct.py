"""Models of known types, from calls as a person writes them: ``datetime.datetime(2026, 1, 2)``, ``Decimal('1.5')``.

No class is called that a file names: a name is looked up in a table of our own, and what its class would write of
such an object is put together from the arguments.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import chain

from app.codecs.known.makers import arrays, containers, identifiers, moments, ndarrays, numbers
from app.codecs.known.makers.call import Call, Maker
from app.codecs.known.names import FACTORIES, PYTHON2_FACTORIES
from app.codecs.model import Atom, GlobalName, Style, Value
from app.codecs.nodes import Kind

_MAKERS: dict[str, Maker] = dict(
    chain.from_iterable(
        family.MAKERS.items() for family in (moments, containers, numbers, identifiers, arrays, ndarrays)
    )
)
_ONLY_DOTTED = frozenset({"re.compile"})
_BARE = {name.rpartition(".")[2]: name for name in _MAKERS if name not in _ONLY_DOTTED | ndarrays.MAKERS.keys()}
_UTC = frozenset({"datetime.timezone.utc", "timezone.utc", "datetime.UTC", "UTC"})
_FLAGS = {flag.name: int(flag) for flag in re.RegexFlag if flag.name} | {
    letter: int(getattr(re, letter)) for letter in "AILMSUX"
}


def construct(name: str, args: Sequence[Value], kwargs: Mapping[str, Value], style: Style) -> Value | None:
    """Return the object of a known type as its class would write it in that style; None when the name is not known.

    Raises:
        EncodeError: the arguments make no such object, or the style cannot hold it; the message says why.
    """
    maker = _MAKERS.get(name) or _MAKERS.get(_BARE.get(name, ""))
    return maker(Call(name, args, kwargs, style)) if maker else None


def constant(name: str, style: Style) -> Value | None:
    """Return what a name without a call stands for: ``timezone.utc``, ``re.IGNORECASE``, a class such as ``list``.

    Raises:
        EncodeError: the style cannot hold it.
    """
    if name in _UTC:
        return moments.utc_model(style)
    module, _, member = name.rpartition(".")
    if module == "re" and member in _FLAGS:
        return Atom(Kind.INT, _FLAGS[member])
    return _factory(module, member, style)


def _factory(module: str, name: str, style: Style) -> Value | None:
    """Return a class by its name, in Python 2 by the name that it has there."""
    full = _BARE.get(name, "") if not module else f"{module}.{name}"
    if full in containers.FACTORIES:
        return GlobalName("collections", name)
    if style.is_python2 and module in ("", "__builtin__") and name in PYTHON2_FACTORIES:
        return GlobalName("__builtin__", name, written_in=2)
    if not style.is_python2 and module in ("", "builtins") and name in FACTORIES:
        return GlobalName("builtins", name)
    return None
