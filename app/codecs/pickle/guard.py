"""The one place that unpickles: small values like JSON, proved by their opcodes to be nothing else; for bulk work only.

What is admitted has no opcode that could name, import, call or fetch anything, so that Python's own unpickler, which
is many times faster than ours, builds nothing but None, booleans, numbers, texts, lists, tuples and dicts. It refuses
to look up classes and persistent ids besides. Whatever else a value is, it is left to the machine.
"""

import struct
from io import BytesIO
from itertools import repeat

# The only import of it in the program, as tests/test_architecture.py checks: see above for what keeps it inert.
from pickle import Unpickler, UnpicklingError  # noqa: TID251 - see above
from typing import Any, NamedTuple, NoReturn

from app.cancel import CancelToken
from app.codecs.pickle.admission import plain_pushes
from app.codecs.pickle.layouts import MOST_BYTES, Layouts
from app.codecs.pickle.machine import run
from app.codecs.pickle.opcodes import ALIASES, codes
from app.codecs.pickle.stream import Stream

_FRAME = 0x95
_TAKES_KEYS = codes("SETITEM", "SETITEMS")
_PROTO_BYTES = 2

_HELD = {dict, list, tuple}
_ONLY_TEXT = {str}


class Plain(NamedTuple):
    """An admitted value: made of None, bool, int, float, str, list, tuple and dict, each container in one place.

    ``depth`` is how deep containers are nested; ``has_text_keys`` whether all keys of dicts are texts.
    """

    root: object
    depth: int
    has_text_keys: bool


def plain_value(data: bytes) -> Plain | None:
    """Return the value of an admitted pickle, None for all others.

    Each value that an opcode pushed is found in it: a key that came twice, or anything else that was lost or is in
    two places, is left to the machine.
    """
    is_small = len(data) <= MOST_BYTES
    depth = _DEPTHS.find(data) if is_small else None
    pushes = 0 if depth else plain_pushes(data)
    if not (pushes or depth):
        return None
    try:
        root = inert_value(data)
    except Exception:  # noqa: BLE001 - it raises all sorts; whatever is wrong, the machine shows it
        return None
    if depth:
        return Plain(root, depth, True)
    plain = _checked(root, pushes)
    if plain is not None and plain.has_text_keys and is_small and _DEPTHS.is_due(data):
        _DEPTHS.learn(data, _told_apart(run(data, 0, CancelToken())), plain.depth)
    return plain


def inert_value(data: bytes) -> object:
    """Return what Python's unpickler makes of an admitted pickle; it raises whatever it raises."""
    return _Inert(BytesIO(_framed(data))).load()


class _Inert(Unpickler):
    """Looks nothing up."""

    def find_class(self, module_name: str, global_name: str, /) -> NoReturn:
        raise UnpicklingError(global_name)

    def persistent_load(self, pid: object, /) -> NoReturn:
        raise UnpicklingError(pid)


def _framed(data: bytes) -> bytes:
    """Return the pickle in a frame, without which it would be read from its file opcode by opcode."""
    if data[_PROTO_BYTES] == _FRAME:
        return data
    body = data[_PROTO_BYTES:]
    return b"\x80\x04\x95%b%b" % (struct.pack("<Q", len(body)), body)


def _checked(root: object, pushes: int) -> Plain | None:
    """Count what is in a value and see that no container is in two places."""
    nodes, has_text_keys = 1, True
    holders: list[Any] = [root] if type(root) in _HELD else []
    depths = [1]
    for holder, depth in zip(holders, depths, strict=False):  # both grow meanwhile
        contents = holder
        nodes += len(holder)
        if type(holder) is dict:
            nodes += len(holder)
            contents = holder.values()
            if not _ONLY_TEXT.issuperset(map(type, holder)):
                has_text_keys = False
                contents = [*holder, *contents]
        if nodes > pushes:
            return None
        inner = [content for content in contents if type(content) in _HELD and content]
        if inner:
            holders += inner
            depths += repeat(depth + 1, len(inner))
    if nodes != pushes or len(set(map(id, holders))) != len(holders):
        return None
    return Plain(root, depths[-1], has_text_keys)


def _told_apart(stream: Stream) -> set[int]:
    """Return the slots whose contents say which keys there are: those of the keys, and of what GETs read."""
    data = stream.data
    found: set[int] = set()
    for pos, kids in stream.records.items():
        if data[pos] in _TAKES_KEYS:
            found.update(kids[::2])
        found.update(stream.target(kid) for kid in kids if data[kid] in ALIASES)
    return found


_DEPTHS: Layouts[int] = Layouts()
"""The depth of values that were checked, by their layout with its keys: all of it is in others of it too.

All keys are texts, and the same ones; what a GET reads, as a key may, is the same too. So no key comes twice.
"""
