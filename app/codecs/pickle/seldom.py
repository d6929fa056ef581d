"""What the opcodes that pickles have few of leave in the records, so that the machine's loop stays short."""

import struct
from collections.abc import Sequence

from app.codecs.pickle.opcodes import CODE, codes
from app.codecs.pickle.stream import Stream

LAST_PROTOCOL = 5
_U4 = struct.Struct("<I").unpack_from
_U8 = struct.Struct("<Q").unpack_from
_HEADER = codes("PROTO", "FRAME")
_EXTENSIONS = {CODE["EXT1"]: 2, CODE["EXT2"]: 3, CODE["EXT4"]: 5}
"""Bytes of opcode and argument."""

_TAKES_TOP = codes("BINPERSID", "READONLY_BUFFER")


def carry_out_seldom(stream: Stream, stack: list[int], pos: int) -> int:
    """Carry out the opcode at ``pos``, one of the kind SELDOM, and return where the next one is.

    Raises:
        IndexError, KeyError, ValueError, struct.error: it cannot be carried out.
    """
    data = stream.data
    op = data[pos]
    if op in _HEADER:
        return _note_header(stream, op, pos)
    if op in _EXTENSIONS:
        stream.odd.append(pos)
        stack.append(pos)
        return pos + _EXTENSIONS[op]
    if op == CODE["BINSTRING"]:
        stream.is_python2 = True
        stack.append(pos)
        return pos + 5 + int(_U4(data, pos + 1)[0])
    if op == CODE["PERSID"]:
        end = data.index(b"\n", pos)
        stream.persids = with_one(stream.persids, pos)
        stack.append(pos)
        return end + 1
    _stand_for(stream, stack, op, pos)
    return pos + 1


def with_one(slots: Sequence[int], slot: int) -> list[int]:
    """Return some slots with one more: the same list if they are one already."""
    if isinstance(slots, list):
        slots.append(slot)
        return slots
    return [*slots, slot]


def _note_header(stream: Stream, op: int, pos: int) -> int:
    data = stream.data
    if op == CODE["FRAME"]:
        stream.frames.append((pos, _U8(data, pos + 1)[0]))
        return pos + 9
    stream.protocol = max(stream.protocol, data[pos + 1])
    if data[pos + 1] > LAST_PROTOCOL:
        stream.odd.append(pos)
    return pos + 2


def _stand_for(stream: Stream, stack: list[int], op: int, pos: int) -> None:
    """Carry out an opcode without an argument that pushes something new or puts it in the place of what is there."""
    if op == CODE["NEWOBJ_EX"]:
        third = stack.pop()
        second = stack.pop()
        stream.records[pos] = (stack[-1], second, third)
        stream.odd.append(pos)
        stack[-1] = pos
    elif op in _TAKES_TOP:
        stream.records[pos] = (stack[-1],)
        if op == CODE["READONLY_BUFFER"]:
            stream.aliases[pos] = stream.target(stack[-1])
            stream.odd.append(pos)
        stack[-1] = pos
    elif op == CODE["DUP"]:
        stream.aliases[pos] = stream.target(stack[-1])
        stack.append(pos)
    else:  # NEXT_BUFFER
        stream.buffers = with_one(stream.buffers, pos)
        stack.append(pos)
