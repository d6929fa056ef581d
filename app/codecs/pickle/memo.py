"""Whether the memo slots that a value fills are ever used."""

from itertools import chain

from app.codecs.pickle.opcodes import CODE, GETS, PUTS, end_of, memo_index
from app.codecs.pickle.stream import Stream

_MEMOIZE = CODE["MEMOIZE"]


def is_used(stream: Stream, slot: int, puts: list[int]) -> bool:
    """Tell whether a GET reads a memo slot that the ``puts`` behind ``slot`` fill."""
    if not puts:
        return False
    if isinstance(stream.memo, list) and not stream.popped:
        return _is_fetched(stream, {index for index, found in enumerate(stream.memo) if found == slot})
    return not live_puts(stream).isdisjoint(puts)


def _is_fetched(stream: Stream, indexes: set[int]) -> bool:
    """Look among the values that are taken from the stack, which is much faster than to walk over all opcodes."""
    data = stream.data
    slots = chain([stream.root], stream.left, chain.from_iterable(stream.records.values()))
    return any(data[slot] in GETS and memo_index(data, slot) in indexes for slot in slots)


def live_puts(stream: Stream) -> set[int]:
    """Return the offsets of the PUTs and MEMOIZEs whose memo slot a later GET reads."""
    data = stream.data
    filled: dict[int, int] = {}
    live: set[int] = set()
    pos = stream.start
    while pos < stream.stop:
        op = data[pos]
        if op in PUTS:
            filled[len(filled) if op == _MEMOIZE else memo_index(data, pos)] = pos
        elif op in GETS:
            live.add(filled[memo_index(data, pos)])
        pos = end_of(data, pos)
    return live
