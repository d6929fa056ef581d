"""Finding one's way in the opcodes of a value: how many there are, and which one makes a node."""

from app.cancel import CancelToken
from app.codecs.findings import OpcodeRow
from app.engine.base import Engine
from app.engine.value_calls import Source

_LOOKED_AT = 5_000
"""Opcodes that are looked at one by one where their offsets do not tell the one that is wanted."""
_OFFSET_BITS = 46
"""Handles of nodes are the offsets of their opcodes, with the number of what those lie in above this bit."""


def opcode_count(engine: Engine, source: Source, token: CancelToken) -> int:
    """Return the number of opcodes of a value, asking for some twenty of them."""
    low, high = 0, 1
    while _at(engine, source, high - 1, token) is not None:
        low, high = high, 2 * high
    while low < high - 1:
        middle = (low + high) // 2
        if _at(engine, source, middle - 1, token) is not None:
            low = middle
        else:
            high = middle
    return low


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
