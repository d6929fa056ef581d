"""Finding one's way in the opcodes of a value: how many there are, and which one makes a node."""

from collections.abc import Iterator

from app.cancel import CancelToken
from app.codecs.findings import OpcodeRow
from app.engine.base import Engine
from app.engine.value_calls import Source

_LOOKED_AT = 5_000
"""Opcodes that are looked at one by one where their offsets do not tell the one that is wanted."""
_MANY = 10_000
"""Opcodes from which on there is something to be seen before all are counted."""

_STRIDE = 2_000_000
"""Opcodes that are walked over in one call: others may wait for its end."""

_OFFSET_BITS = 46
"""Handles of nodes are the offsets of their opcodes, with the number of what those lie in above this bit."""


def opcode_counts(engine: Engine, source: Source, token: CancelToken) -> Iterator[int]:
    """Yield how many opcodes of a value are known to be there, and at last how many there are.

    Some of them are asked for, as few as it takes: the engine walks over all before those.
    """
    low, high = 0, 1
    while _at(engine, source, high - 1, token) is not None:
        low, high = high, min(2 * high, high + _STRIDE)
        if low >= _MANY:
            yield low
    while low < high - 1:
        middle = (low + high) // 2
        if _at(engine, source, middle - 1, token) is not None:
            low = middle
        else:
            high = middle
    yield low


def opcode_of_node(engine: Engine, source: Source, node: int, count: int, token: CancelToken) -> int | None:
    """Return the number of the opcode that makes a node, of ``count``; None where no opcode does."""
    offset = node % (1 << _OFFSET_BITS)
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        row = _at(engine, source, middle, token)
        if row is not None and row.offset < offset:
            low = middle + 1
        else:
            high = middle
    row = _at(engine, source, low, token)
    if row is not None and row.node == node:
        return low
    rows = engine.opcodes(source, 0, min(count, _LOOKED_AT), token)
    return next((number for number, row in enumerate(rows) if row.node == node), None)


def _at(engine: Engine, source: Source, number: int, token: CancelToken) -> OpcodeRow | None:
    rows = engine.opcodes(source, number, 1, token)
    return rows[0] if rows else None
