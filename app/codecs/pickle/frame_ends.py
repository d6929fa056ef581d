"""Where the frames of a pickle end, and what reads it otherwise than `pickle.loads` because of that.

`pickle.loads` ignores where frames end. The unpickler in Python refuses an opcode that goes on behind its frame, and
the one in C, when it reads from a file as shelve does, skips what is left of the frame and reads on behind it.

References:
    CPython's Lib/pickle.py, ``_Unframer``; Modules/_pickle.c, ``_Unpickler_ReadImpl`` and ``load_frame``.
"""

from bisect import bisect_left
from collections.abc import Iterator

from app.cancel import CancelToken
from app.codecs.pickle.opcodes import BY_CODE, Layout, end_of, name_of
from app.codecs.pickle.stream import Stream

HEAD = 9
"""Bytes of a FRAME opcode with its size."""

_CHECKED = 8192


def frame_problems(stream: Stream, token: CancelToken) -> Iterator[str]:
    """Yield a sentence on the first frame that is too long, and one on the first that ends within something.

    Raises:
        Cancelled: by ``token``.
    """
    yield from filter(None, (_length_problem(stream), crossing_problem(stream, token)))


def _length_problem(stream: Stream) -> str:
    """Return what is wrong with a frame that is longer than what follows; where the pickle breaks off that is told."""
    if stream.error:
        return ""
    for pos, size in stream.frames:
        end = pos + HEAD + size
        if end > len(stream.data):
            rest = len(stream.data) - pos - HEAD
            return f"FRAME at offset {pos:,} promises {size:,} bytes, but {rest:,} follow: Python refuses the pickle."
        if end > stream.stop:
            return (
                f"FRAME at offset {pos:,} ends {end - stream.stop:,} bytes behind the STOP: "
                "when Python reads the pickle from a file it takes these for a part of it."
            )
    return ""


def crossing_problem(stream: Stream, token: CancelToken) -> str:
    """Return a sentence on the first opcode that goes on behind its frame, or frame that begins within another.

    Raises:
        Cancelled: by ``token``.
    """
    stop = stream.stop if stream.stop >= 0 else stream.error_at
    starts = [pos for pos, _ in stream.frames]
    for (pos, size), following in zip(stream.frames, [*starts[1:], stop], strict=True):
        end = pos + HEAD + size
        if end == following or (following == stop and end > stop):
            continue
        crossing = _opcode_across(stream, pos, end, token) if end < following else following
        if crossing >= 0 and not (end > following and end in (following + 1, following + HEAD)):
            how = "begins before" if end > following + HEAD else "goes on behind"
            return (
                f"{name_of(stream.data[crossing])} at offset {crossing:,} {how} the end of a frame at offset {end:,}: "
                "Python refuses the pickle or reads other bytes there, depending on what it reads it with; "
                "shown is what pickle.loads makes of it."
            )
    return ""


def _opcode_across(stream: Stream, pos: int, end: int, token: CancelToken) -> int:
    """Return the offset of the opcode that is read across the end of the frame at ``pos``, -1 when none is."""
    memo = stream.memo
    if isinstance(memo, list) and (place := bisect_left(memo, end)) < len(memo) and memo[place] == end:
        return -1  # an object begins there, as a large text does behind a frame
    at, left = pos + HEAD, _CHECKED
    before = at
    while 0 <= at < end:
        before, at = at, end_of(stream.data, at)
        left -= 1
        if not left:
            token.check()
            left = _CHECKED
    return before if at > end and not _is_between_reads(stream.data, before, end) else -1


def _is_between_reads(data: bytes, pos: int, place: int) -> bool:
    """Tell whether a place within the opcode at ``pos`` is one up to which an unpickler reads at once."""
    opcode = BY_CODE[data[pos]]
    if opcode is None or place == pos + 1:
        return True
    if opcode.layout is Layout.TWO_LINES:
        return place == data.find(b"\n", pos) + 1
    return opcode.layout in _COUNTED and place == pos + 1 - opcode.layout


_COUNTED = (Layout.COUNT1, Layout.COUNT4, Layout.COUNT8)
