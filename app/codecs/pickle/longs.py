"""Whether LONG opcodes are Python 2's longs or Python 3's large ints: what the other integers of the pickle tell."""

from app.codecs.pickle.opcodes import CODE, LONGS, codes
from app.codecs.pickle.scalars import payload
from app.codecs.pickle.stream import Stream

_BINARY_INTS = codes("BININT", "BININT1", "BININT2")
_DIGITS_OF_INT4 = 10
_INT4 = range(-(1 << 31), 1 << 31)


def has_python2_longs(stream: Stream) -> bool:
    """Tell whether Python 2 wrote the longs: Python 3 writes its large ints alike, but never small ones."""
    if stream.protocol > 2:
        return False
    if stream.is_python2:
        return True
    if stream.has_text_ints and (stream.protocol == 2 or _has_any(stream, _BINARY_INTS) or _has_wide_text_ints(stream)):
        return True  # Python 3 writes ints as text in protocol 0 only, and none of more than 32 bits
    return stream.has_small_longs and (stream.protocol == 2 or stream.has_text_ints or _has_any(stream, _BINARY_INTS))


def python3_int_opcode(stream: Stream, op: int) -> int:
    """Return the opcode whose family Python 3 writes a small int in where the long ``op`` stood.

    A small long would look like Python 2's.
    """
    if op not in LONGS:
        return op
    if stream.protocol >= 2 or _has_any(stream, _BINARY_INTS):
        return CODE["BININT"]
    return CODE["INT"] if stream.has_text_ints else op


def _has_any(stream: Stream, opcodes: frozenset[int]) -> bool:
    return any(stream.data[slot] in opcodes for kids in stream.records.values() for slot in kids)


def _has_wide_text_ints(stream: Stream) -> bool:
    data = stream.data
    slots = (slot for kids in stream.records.values() for slot in kids if data[slot] == CODE["INT"])
    return any(_is_wide(data[slot + 1 : sum(payload(data, slot))]) for slot in slots)


def _is_wide(line: bytes) -> bool:
    """Tell whether a decimal number takes more than 32 bits."""
    digits = line.removeprefix(b"-")
    return digits.isdigit() and (len(digits) > _DIGITS_OF_INT4 or int(line) not in _INT4)
