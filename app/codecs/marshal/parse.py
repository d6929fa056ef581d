"""The parser of marshal values, versions 0 to 5: one loop, no recursion, nothing built but slots."""

import re
import struct
from itertools import repeat

from app import limits
from app.cancel import CancelToken
from app.codecs.collector import CollectorPaused
from app.codecs.marshal.layouts import LAYOUTS, NAMES, STRINGS, Layout
from app.codecs.marshal.stream import FIXED_SIZES, FLAG_REF, STRING_REF, Stream, int4

NEVER = CancelToken()
"""For what is bounded by its size."""

_STRIDE = 8192
"""Children that are read between two looks at the token."""

_CONTAINER_WEIGHT = 8
"""Nodes that a container costs as much memory as."""

_SMALL_TUPLE = ord(")")
_FAST_ITEMS = 8
_FAST_TUPLE_BYTES = 2 + _FAST_ITEMS * 257
"""The most bytes of a small tuple that is read at once: none of its items is longer than a short text."""

_ENDLESS = 1 << 62
_SHORT = -1
_SIZES = [
    _SHORT if chr(code) in "zZ" else 0 if chr(code) in "rR" else FIXED_SIZES.get(chr(code), 0) for code in range(256)
]
"""Bytes of what can be taken without a look at it, by its type code; `_SHORT` where the next byte has its length."""

_RUNS = {
    ord("i"): (5, re.compile(rb"(?:i[\x00-\xff]{4})*+")),
    ord("g"): (9, re.compile(rb"(?:g[\x00-\xff]{8})*+")),
}
"""Numbers in a row, found at once: bytes of one, and what matches many."""

_LONG_RUN = 16
_DICT, _CODE, _INTERNED = b"{ct"
_CHECKED_WHEN_OPEN = frozenset(b">:c")
"""Types that references may not name before they are complete."""

_LETTERS = {name: frozenset(b"st") for name in STRINGS} | {name: frozenset(b"stuaAzZ") for name in NAMES}
_TUPLES = frozenset(b"()")


class _Damage(Exception):
    """The value ends or makes no sense here."""


class _Cut(_Damage):
    """The bytes end before the value does."""


class _Full(Exception):
    """There is room for no more nodes."""


def parse(
    data: bytes, start: int, token: CancelToken, preferred: Layout | None = None, *, room: int | None = None
) -> Stream:
    """Return the marshal value at ``start``; damage is part of it.

    Where there are code objects, the layout is the first that fits, ``preferred`` before all others. It is followed as
    far as there is ``room`` for nodes, `limits.MARSHAL_NODES` where nothing is said.

    Raises:
        Cancelled: by ``token``.
    """
    room = limits.MARSHAL_NODES if room is None else room
    first = preferred or LAYOUTS[0]
    best = _Parser(data, start, first, token, room).run()
    if not best.error or best.is_full or not best.codes:
        return best
    for layout in LAYOUTS:
        if layout is first:
            continue
        other = _Parser(data, start, layout, token, room).run()
        if not other.error or other.is_full:
            return other
        if other.error_at > best.error_at:
            best = other
    return best


class _Parser:
    """One pass over one value. Open containers stand on a list."""

    def __init__(self, data: bytes, start: int, layout: Layout, token: CancelToken, room: int) -> None:
        self._data = data
        self._token = token
        self._layout = layout
        self._stream = Stream(data, start, layout)
        self._pos = start
        self._kids: list[int] = []
        """The children of the innermost open container, ``_slot``; at the bottom the root alone."""
        self._slot = -1
        self._left = 1
        self._open: list[tuple[int, list[int], int]] = []
        self._nodes = 0
        self._room = room
        self._readers = {code: getattr(self, name) for code, name in _READERS.items()}

    def run(self) -> Stream:
        stream = self._stream
        try:
            with CollectorPaused():
                while self._left or not self._is_closed():
                    self._read_children()
            stream.stop = self._pos
        except IndexError:
            self._fail(self._place_of_cut(), _TOO_SHORT, is_cut=True)
        except _Cut:
            self._fail(self._pos, _TOO_SHORT, is_cut=True)
        except _Damage as error:
            self._fail(self._pos, str(error), is_cut=False)
        except _Full:
            self._leave_off()
        finally:
            self._readers.clear()  # bound methods of the parser in it would keep the data until the next collection
        return stream

    def _read_children(self) -> None:
        """Read children of the innermost container until it is complete or another opens. All nodes pass here."""
        data, sizes, kids, records = self._data, _SIZES, self._kids, self._stream.records
        take, readers = kids.append, self._readers
        safe = len(data) - _FAST_TUPLE_BYTES
        begun = left = self._left
        pos = self._pos
        for _ in repeat(None, min(left, _STRIDE)):
            code = data[pos]
            size = sizes[code]
            if size > 0:
                take(pos)
                pos += size
            elif size:
                take(pos)
                pos += 2 + data[pos + 1]
            elif code == _SMALL_TUPLE and pos < safe and data[pos + 1] <= _FAST_ITEMS and (found := _leaves(data, pos)):
                records[pos] = found
                take(pos)
                pos = found.pop()
                self._nodes += _CONTAINER_WEIGHT
            else:
                self._pos = pos
                self._left = left - 1
                readers.get(code & ~FLAG_REF, self._unknown)(pos, code)
                if self._kids is not kids or self._left != left - 1:
                    break
                pos = self._pos
            left -= 1
        else:
            self._pos, self._left = pos, left
        self._count(begun - left)

    def _count(self, nodes: int) -> None:
        self._token.advance(self._pos, len(self._data))
        self._nodes += nodes
        if self._nodes > self._room and self._left:
            raise _Full

    def _is_closed(self) -> bool:
        """Close the innermost container; tell whether it was the last."""
        if self._pos > len(self._data):
            raise IndexError
        if self._slot < 0:
            return True
        if self._data[self._slot] & ~FLAG_REF == _CODE and self._is_code_unfinished():
            return False
        self._stream.records[self._slot] = self._kids
        self._slot, self._kids, self._left = self._open.pop()
        return False

    def _fail(self, place: int, why: str, *, is_cut: bool) -> None:
        """Close all that is open; what could not be read is the last child of the innermost."""
        stream = self._stream
        stream.error, stream.error_at, stream.is_cut = why, place, is_cut
        self._kids.append(place)
        if self._slot >= 0 and self._data[self._slot] & ~FLAG_REF == _DICT and len(self._kids) % 2:
            self._kids.append(place)  # neither the key nor its value
        for slot, kids, _left in reversed([*self._open, (self._slot, self._kids, 0)]):
            if slot >= 0:
                stream.records[slot] = kids

    def _leave_off(self) -> None:
        """Close all that is open where there is no room for more."""
        self._stream.is_full = True
        whole = len(self._data)
        self._fail(
            self._pos,
            f"Only the first {self._pos:,} of {whole:,} bytes are shown: more parts cannot be held at once.",
            is_cut=False,
        )

    def _place_of_cut(self) -> int:
        """Return where the object begins that the end of the bytes cuts; it is no child."""
        end = len(self._data)
        if not self._kids or self._kids[-1] in self._stream.records:
            return end
        last = self._kids[-1]
        try:
            is_whole = self._stream.scalar_end(last) <= end
        except (IndexError, struct.error):
            is_whole = False
        return end if is_whole else self._kids.pop()

    # ---- one object each: ``pos`` is that of its type code

    def _take(self, pos: int, code: int, size: int) -> None:
        """Take a scalar of ``size`` bytes."""
        if pos + size > len(self._data):
            raise _Cut
        if code & FLAG_REF:
            self._stream.refs.append(pos)
        self._kids.append(pos)
        self._pos = pos + size

    def _int4(self, pos: int) -> int:
        if pos + 4 > len(self._data):
            raise _Cut
        return int4(self._data, pos)

    def _byte(self, pos: int) -> int:
        if pos >= len(self._data):
            raise _Cut
        return self._data[pos]

    def _size(self, pos: int) -> int:
        size = self._int4(pos)
        if size < 0:
            raise _Damage(f"The size at offset {pos:,} is negative.")
        return size

    def _singleton(self, pos: int, code: int) -> None:
        self._take(pos, code & ~FLAG_REF, 1)

    def _fixed(self, pos: int, code: int) -> None:
        self._take(pos, code, FIXED_SIZES[chr(code & ~FLAG_REF)])

    def _short(self, pos: int, code: int) -> None:
        self._take(pos, code, 2 + self._byte(pos + 1))

    def _sized(self, pos: int, code: int) -> None:
        self._take(pos, code, 5 + self._size(pos + 1))
        if code & ~FLAG_REF == _INTERNED:
            self._stream.interned.append(pos)

    def _long(self, pos: int, code: int) -> None:
        self._take(pos, code, 5 + 2 * abs(self._int4(pos + 1)))

    def _complex(self, pos: int, code: int) -> None:
        middle = pos + 2 + self._byte(pos + 1)
        self._take(pos, code, middle + 1 + self._byte(middle) - pos)

    def _reference(self, pos: int, code: int) -> None:
        stream, number = self._stream, self._int4(pos + 1)
        named = stream.interned if code & ~FLAG_REF == STRING_REF else stream.refs
        if not 0 <= number < len(named):
            raise _Damage(f"The reference at offset {pos:,} names object {number:,}, and there are {len(named):,}.")
        target = named[number]
        if self._data[target] & ~FLAG_REF in _CHECKED_WHEN_OPEN and target not in stream.records:
            raise _Damage(f"The reference at offset {pos:,} names an object that is not complete yet.")
        stream.uses.append(pos)
        self._take(pos, 0, 5)

    def _null(self, pos: int, code: int) -> None:
        if self._slot < 0 or self._data[self._slot] & ~FLAG_REF != _DICT or len(self._kids) % 2:
            raise _Damage(f"There is a NULL at offset {pos:,}, where an object should be.")
        self._left = 0
        self._pos = pos + 1

    def _unknown(self, pos: int, code: int) -> None:
        raise _Damage(f"There is no type with the code {code:#04x}, which stands at offset {pos:,}.")

    # ---- containers

    def _enter(self, pos: int, code: int, size: int, count: int) -> None:
        """Open a container of ``count`` children, the first of which begins ``size`` bytes on."""
        if pos + size > len(self._data):
            raise _Cut
        if code & FLAG_REF:
            self._stream.refs.append(pos)
        self._kids.append(pos)
        self._pos = pos + size
        self._nodes += _CONTAINER_WEIGHT
        if count >= _LONG_RUN and self._is_run(pos, count):
            return
        self._open.append((self._slot, self._kids, self._left))
        self._slot, self._kids, self._left = pos, [], count

    def _is_run(self, slot: int, count: int) -> bool:
        """Take all children at once where they are numbers of one size."""
        size, pattern = _RUNS.get(self._data[self._pos] if self._pos < len(self._data) else 0, (0, None))
        if pattern is None or count > (len(self._data) - self._pos) // size:
            return False
        end = self._pos + count * size
        run = pattern.match(self._data, self._pos, end)
        if run is None or run.end() != end:
            return False
        self._stream.records[slot] = range(self._pos, end, size)
        self._pos = end
        return True

    def _counted(self, pos: int, code: int) -> None:
        self._enter(pos, code, 5, self._size(pos + 1))

    def _small_tuple(self, pos: int, code: int) -> None:
        self._enter(pos, code, 2, self._byte(pos + 1))

    def _dict(self, pos: int, code: int) -> None:
        self._enter(pos, code, 1, _ENDLESS)

    def _slice(self, pos: int, code: int) -> None:
        self._enter(pos, code, 1, 3)

    def _code(self, pos: int, code: int) -> None:
        layout = self._layout
        self._stream.codes.append(pos)
        self._enter(pos, code, 1 + layout.header_size, len(layout.objects))
        self._stream.numbers |= dict.fromkeys(range(pos + 1, pos + 1 + layout.header_size, layout.width), layout.width)

    def _is_code_unfinished(self) -> bool:
        """Check the parts of a code object that are there; tell whether more have to follow."""
        layout, names = self._layout, self._layout.objects + self._layout.tail
        for name, slot in zip(names, self._kids, strict=False):
            if self._data[self._stream.target(slot)] & ~FLAG_REF not in _LETTERS.get(name, _TUPLES):
                raise _Damage(f"{name} of the code object at offset {self._slot:,} is of a wrong type.")
        if len(self._kids) == len(names):
            return False
        if self._pos + layout.width > len(self._data):
            raise _Cut
        self._stream.numbers[self._pos] = layout.width
        self._pos += layout.width
        self._left = len(layout.tail)
        return True


def _leaves(data: bytes, pos: int) -> list[int] | None:
    """Return the children of a small tuple and behind them its end, None when one of them needs a closer look."""
    sizes, found = _SIZES, []
    count = data[pos + 1]
    pos += 2
    for _ in repeat(None, count):
        size = sizes[data[pos]]
        if not size:
            return None
        found.append(pos)
        pos += size if size > 0 else 2 + data[pos + 1]
    found.append(pos)
    return found


_TOO_SHORT = "The value ends too early: more bytes should follow."
_READERS = {
    ord(letter): reader
    for letters, reader in (
        ("NFTS.", "_singleton"),
        ("iIgy", "_fixed"),
        ("zZf", "_short"),
        ("stuaA", "_sized"),
        ("l", "_long"),
        ("x", "_complex"),
        ("rR", "_reference"),
        ("([<>", "_counted"),
        (")", "_small_tuple"),
        ("{", "_dict"),
        (":", "_slice"),
        ("c", "_code"),
        ("0", "_null"),
    )
    for letter in letters
}
"""The methods of the parser that read each type."""
