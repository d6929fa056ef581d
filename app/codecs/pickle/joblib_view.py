"""A dump of joblib as one pickle, its arrays of objects included: what is looked at, while edits go to the parts.

The pickle of such an array has a memo of its own. All numbers of the memo are given anew, so that both can be read
as one.
"""

from app.cancel import CancelToken
from app.codecs.pickle.graph import parse
from app.codecs.pickle.joblib_memory import Mixed, RawArray
from app.codecs.pickle.opcodes import CODE, GETS, PUTS, codes, end_of, memo_index

_BETWEEN_CHECKS = 4096
_LEFT_OUT = codes("FRAME", "STOP", "PROTO")
_STOP, _MEMOIZE = CODE["STOP"], CODE["MEMOIZE"]
_UNKNOWN = 0xFFFF_FFFF
"""A number of the memo that nothing has: what asks for it is damage, as it was."""


def joined_up(mixed: Mixed, token: CancelToken) -> tuple[bytes, tuple[int, ...]]:
    """Return the pickle that is looked at, and the numbers of the arrays of objects that are part of it.

    Raises:
        Cancelled: by ``token``.
    """
    joined = tuple(number for number, array in enumerate(mixed.arrays) if array.is_pickle and _is_whole(array, token))
    return (_Joiner(mixed, token).all_of(frozenset(joined)) if joined else mixed.shown), joined


def _is_whole(array: RawArray, token: CancelToken) -> bool:
    """Tell whether the pickle of an array leaves exactly one object on the stack."""
    stream = parse(array.memory, 0, token).stream
    return stream.stop == len(array.memory) and not (stream.error or stream.left or stream.open_marks)


class _Joiner:
    """Writes pickles one after the other with one memo."""

    def __init__(self, mixed: Mixed, token: CancelToken) -> None:
        self._mixed = mixed
        self._token = token
        self._out = bytearray(mixed.opcodes[:2])  # PROTO, by which the codec knows a dump
        self._filled = 0

    def all_of(self, joined: frozenset[int]) -> bytes:
        opcodes = self._mixed.opcodes
        numbers: dict[int, int] = {}
        place = len(self._out)
        for number, array in enumerate(self._mixed.arrays):
            self._add(opcodes, place, array.at, numbers)
            place = array.at
            if number in joined:
                self._out += b"0"
                self._add(array.memory, 0, len(array.memory), {})
            else:
                self._out += array.shown
        stop = self._add(opcodes, place, len(opcodes), numbers)
        return bytes(self._out + opcodes[stop:])

    def _add(self, data: bytes, start: int, end: int, numbers: dict[int, int]) -> int:
        """Add opcodes up to an offset or the first that cannot be read or is STOP, which is returned.

        ``numbers`` are those that each of the pickle's own numbers stands for.
        """
        kept = pos = start
        count = 0
        while pos < end and (after := end_of(data, pos)) >= 0 and data[pos] != _STOP:
            op = data[pos]
            if op in GETS or op in PUTS or op in _LEFT_OUT:
                self._out += data[kept:pos]
                kept = after
                if op not in _LEFT_OUT:
                    self._out += self._renumbered(data, pos, numbers)
            pos = after
            count += 1
            if not count % _BETWEEN_CHECKS:
                self._token.check()
        self._out += data[kept:pos]
        return pos

    def _renumbered(self, data: bytes, pos: int, numbers: dict[int, int]) -> bytes:
        if data[pos] in GETS:
            number = numbers.get(memo_index(data, pos), _UNKNOWN)
            return b"j" + number.to_bytes(4, "little")
        index = len(numbers) if data[pos] == _MEMOIZE else memo_index(data, pos)
        numbers[index] = self._filled
        self._filled += 1
        return b"\x94"
