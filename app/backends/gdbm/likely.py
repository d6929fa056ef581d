"""Where elements of buckets may lie in a large GDBM file: every place of a window at once, with numpy."""

from struct import Struct
from typing import Final

import numpy as np

from app.backends.base import Buffer
from app.backends.gdbm.bulk import element_type
from app.backends.gdbm.layout import Layout
from app.backends.gdbm.traces import Fields

_KEY_START_AT: Final = 4
_KEY_START_BYTES: Final = 4


def likely(buffer: Buffer, size: int, start: int, end: int, layout: Layout, mark: str) -> list[tuple[int, Fields]]:
    """Return the places from ``start`` to ``end`` (bytes) whose fields can be an element's, and those fields.

    ``size`` is that of the whole file. The key's first bytes are where the element says; its hash is not compared.
    """
    kind = element_type(layout, mark)
    window = bytes(buffer[start : min(end + kind.itemsize - 1, size)])
    count = len(window) - kind.itemsize + 1
    if count <= 0:
        return []
    elements = np.ndarray(count, kind, window, strides=(1,))
    data, key_size, value_size = (elements[name].astype(np.int64) for name in ("data", "key_size", "value_size"))
    can_be = (data > 0) & (data < size) & (elements["hash"] >= 0) & (key_size >= 0) & (value_size >= 0)
    places = np.flatnonzero(can_be & (data <= size - key_size - value_size))
    data, key_size = data[places], key_size[places]
    is_same = np.ones(len(places), bool)
    content, around = np.frombuffer(buffer, np.uint8, size), np.frombuffer(window, np.uint8)
    for number in range(_KEY_START_BYTES):
        there = content[np.minimum(data + number, size - 1)]
        is_same &= (there == around[places + _KEY_START_AT + number]) | (key_size <= number)
    element = Struct(mark + layout.element_format)
    return [(start + place, element.unpack_from(window, place)) for place in places[is_same].tolist()]
