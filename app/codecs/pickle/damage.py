"""What is left of a pickle that breaks off: why it did, and a tree of what was built until then."""

from app.codecs.pickle.opcodes import (
    BY_CODE,
    BYTES,
    CODE,
    GETS,
    MAKERS,
    PUTS,
    STRINGS,
    TEXTS,
    codes,
    end_of,
    memo_index,
)
from app.codecs.pickle.stream import Stream

_DICTS = codes("EMPTY_DICT", "DICT")
_OPEN = codes("EMPTY_LIST", "LIST", "EMPTY_SET", "MARK") | _DICTS | MAKERS
_READABLE_CUT = TEXTS | STRINGS | BYTES | codes("BYTEARRAY8")
_BETWEEN = PUTS | codes("FRAME")


def mend(stream: Stream, levels: list[list[int]], mark_at: list[int], pos: int, *, is_prefix: bool) -> None:
    """Note why the pickle breaks off at ``pos`` and hang unfinished values where they were going.

    ``levels`` are the stack's parts between the MARKs at ``mark_at``, innermost last. With ``is_prefix``
    a text or bytes that is cut stays a value, to be read as far as it goes.
    """
    top = levels[-1]
    if top and end_of(stream.data, top[-1]) < 0:
        # Its argument runs beyond the end.
        is_readable = is_prefix and stream.data[top[-1]] in _READABLE_CUT
        pos = len(stream.data) if is_readable else top.pop()
    elif top and top[-1] == pos:
        pos = end_of(stream.data, pos)
    elif is_prefix and pos < len(stream.data) and stream.data[pos] in _READABLE_CUT:
        top.append(pos)
        pos = len(stream.data)
    stream.error, stream.error_at = _reason(stream, pos), pos
    stream.is_cut = pos >= len(stream.data) or (BY_CODE[stream.data[pos]] is not None and end_of(stream.data, pos) < 0)
    _hang(stream, levels, mark_at, is_prefix=is_prefix)


def leave_off(stream: Stream, levels: list[list[int]], mark_at: list[int], pos: int) -> None:
    """Hang unfinished values where they were going when there is no room for what comes from ``pos`` on."""
    whole = len(stream.data)
    stream.error = f"Only the first {pos:,} of {whole:,} bytes are shown: more parts cannot be held at once."
    stream.error_at = pos
    stream.is_full = True
    _hang(stream, levels, mark_at, is_prefix=True)


def _hang(stream: Stream, levels: list[list[int]], mark_at: list[int], *, is_prefix: bool) -> None:
    """Make a tree of what is on the stack, with the place where the pickle breaks off as its last child."""
    pos = stream.error_at
    holder = _close(stream, levels, mark_at)
    bottom = levels[0]
    stream.root = bottom[0] if bottom else pos
    rest, last = _chain(stream, bottom)
    stream.left = [*stream.left, *rest]
    if holder < 0:
        holder = last
    if holder >= 0:
        _hang_damage(stream, holder, pos, is_prefix=is_prefix)


def _reason(stream: Stream, pos: int) -> str:
    data = stream.data
    if pos >= len(data):
        return "The pickle ends before STOP." if pos > stream.start else "There are no bytes."
    opcode = BY_CODE[data[pos]]
    if opcode is None:
        return f"There is no opcode 0x{data[pos]:02x} (offset {pos:,})."
    if end_of(data, pos) < 0:
        return f"The pickle ends in the middle of {opcode.name} (offset {pos:,})."
    if data[pos] in GETS:
        index = memo_index(data, pos)
        return f"{opcode.name} at offset {pos:,} asks for memo slot {index if index >= 0 else '?'}, which is empty."
    if data[pos] == CODE["PUT"] and memo_index(data, pos) < 0:
        return f"PUT at offset {pos:,} names no memo slot."
    return f"{opcode.name} at offset {pos:,} finds too little on the stack."


def _close(stream: Stream, levels: list[list[int]], mark_at: list[int]) -> int:
    """Give the values above each MARK to what stands below it; return the innermost slot that got some, or -1."""
    holder = -1
    while len(levels) > 1:
        kids = levels.pop()
        mark = mark_at[len(levels) - 1]
        below = levels[-1]
        owner = stream.target(below[-1]) if below else -1
        if owner < 0 or stream.data[owner] not in _OPEN or not _follows(stream, below[-1], owner, mark):
            below.append(mark)  # a tuple, or the class and arguments of an object, under construction
            owner = mark
        stream.pending[owner] = kids
        if holder < 0:
            holder = owner
    return holder


def _follows(stream: Stream, slot: int, owner: int, mark: int) -> bool:
    """Tell whether the MARK comes right behind the object or its last batch, so that it opens a batch of its own."""
    log = stream.logs.get(owner)
    end = end_of(stream.data, max(slot, log[-1]) if log else slot)
    while 0 <= end < mark and stream.data[end] in _BETWEEN:
        end = end_of(stream.data, end)
    return end == mark and owner not in stream.pending


def _chain(stream: Stream, bottom: list[int]) -> tuple[list[int], int]:
    """Hang each value on the bottom of the stack into the one before it; return what is left and the last holder."""
    if not bottom:
        return [], -1
    data = stream.data
    index = 1
    holder = stream.target(bottom[0])
    last = holder if data[holder] in _OPEN else -1
    while index < len(bottom) and data[holder] in _OPEN and holder not in stream.pending:
        step = 2 if data[holder] in _DICTS else 1
        stream.pending[holder] = bottom[index : index + step]
        last = holder
        index += step
        if index > len(bottom):
            return [], last
        holder = stream.target(bottom[index - 1])
    return bottom[index:], holder if data[holder] in _OPEN else last


def _hang_damage(stream: Stream, holder: int, pos: int, *, is_prefix: bool) -> None:
    """Make the damage itself the last child of the innermost unfinished container."""
    kids = stream.pending.setdefault(holder, [])
    if stream.data[holder] in _DICTS:
        if len(kids) & 1:
            kids.append(pos)
        elif is_prefix:
            kids += (pos, pos)
    elif stream.data[holder] not in MAKERS:
        kids.append(pos)
