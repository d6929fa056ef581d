"""What may be a value of its own within a scalar, whatever format it is of."""

from app.codecs.base import Inside
from app.codecs.holding import CONTENT, may_hold
from app.codecs.nodes import Kind, PickleNodes
from app.errors import CodecError

_HOLDING = frozenset({Kind.BYTES, Kind.BYTEARRAY, Kind.STR2, Kind.STR})
_FEWEST_BYTES = 4
_FIRST_BYTES = 64


def content_of(nodes: PickleNodes, slot: int) -> tuple[Inside, ...]:
    """Return the content of a scalar that begins like a value of its own, nothing of any other node."""
    kind = nodes.kind(slot)
    if kind not in _HOLDING:
        return ()
    try:
        size = nodes.length(slot)
        if size < _FEWEST_BYTES or not may_hold(_prefix(nodes, slot, _FIRST_BYTES), is_text=kind is Kind.STR):
            return ()
    except CodecError:
        return ()

    def read(count: int | None) -> bytes:
        return _prefix(nodes, slot, size if count is None else count)

    return (Inside(CONTENT, size, read),)


def _prefix(nodes: PickleNodes, slot: int, count: int) -> bytes:
    found = nodes.prefix(slot, count)
    return found if isinstance(found, bytes) else found.encode("utf-8", "surrogatepass")
