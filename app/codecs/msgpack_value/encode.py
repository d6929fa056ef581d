"""New values as msgpack."""

import struct
from collections.abc import Iterator

from app.cancel import CancelToken
from app.codecs.model import Atom, Items, Pairs, Value
from app.codecs.nodes import Kind
from app.errors import EncodeError

_HEADS = {
    Kind.STR: (0xA0, 32, 0xD9),
    Kind.LIST: (0x90, 16, 0xDC),
    Kind.DICT: (0x80, 16, 0xDE),
    Kind.BYTES: (0, 0, 0xC4),
}
_MOST_PIECES = 10_000_000


def head(kind: Kind, size: int) -> bytes:
    """Return the shortest bytes that begin a text, bytes, list or dict of a size.

    Raises:
        EncodeError: it is too large.
    """
    fixed, below, first = _HEADS[kind]
    if size < below:
        return bytes((fixed | size,))
    widths = (1, 2, 4) if kind in (Kind.STR, Kind.BYTES) else (2, 4)
    for number, width in enumerate(widths):
        if size >> (8 * width) == 0:
            return bytes((first + number,)) + size.to_bytes(width, "big")
    raise EncodeError("The value is too large for msgpack.")


def encoded(value: Value, token: CancelToken) -> bytes:
    """Return a value as msgpack, each part as short as can be.

    Raises:
        EncodeError: msgpack has nothing for a part of it, or it holds itself.
    """
    pieces: list[bytes] = []
    waiting: list[tuple[int, Iterator[Value]]] = [(0, iter((value,)))]
    open_ids: set[int] = set()
    while waiting:
        owner, parts = waiting[-1]
        part = next(parts, None)
        if part is None:
            waiting.pop()
            open_ids.discard(owner)
            continue
        token.check()
        if isinstance(part, Atom):
            pieces.append(_atom(part))
        elif id(part) in open_ids:
            raise EncodeError("The new value holds itself, which msgpack cannot say.")
        else:
            kids = _kids(part)
            pieces.append(head(Kind.DICT if isinstance(part, Pairs) else Kind.LIST, _count(part)))
            waiting.append((id(part), kids))
            open_ids.add(id(part))
        if len(pieces) > _MOST_PIECES:
            raise EncodeError("The new value would be too large: what is shared in it has to be repeated.")
    return b"".join(pieces)


def _count(value: Value) -> int:
    return len(value.items) if isinstance(value, Items) else len(value.pairs) if isinstance(value, Pairs) else 0


def _kids(value: Value) -> Iterator[Value]:
    match value:
        case Items(kind=Kind.LIST, items=items):
            return iter(items)
        case Pairs(pairs=pairs):
            return (part for pair in pairs for part in pair)
        case Items(kind=kind):
            raise EncodeError(f"msgpack has no {kind}; write a list.")
    raise EncodeError("msgpack has no objects of classes; write a dict, a list, a text, bytes or a number.")


def _atom(atom: Atom) -> bytes:
    if atom.value is None or isinstance(atom.value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[atom.value]
    match atom.kind, atom.value:
        case ((Kind.INT | Kind.LONG), int(value)):
            return _int(value)
        case Kind.FLOAT, float(value):
            return b"\xcb" + struct.pack(">d", value)
        case Kind.STR, str(text):
            return _text(text)
        case Kind.STR2, bytes(octets):
            return head(Kind.STR, len(octets)) + octets
        case ((Kind.BYTES | Kind.BYTEARRAY), bytes(octets)):
            return head(Kind.BYTES, len(octets)) + octets
    raise EncodeError(f"msgpack has no {atom.kind}.")


def _text(text: str) -> bytes:
    try:
        octets = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise EncodeError("A lone surrogate cannot be written in msgpack.") from error
    return head(Kind.STR, len(octets)) + octets


def _int(value: int) -> bytes:
    if -32 <= value < 128:
        return bytes((value & 0xFF,))
    for number, form in enumerate("BHIQ" if value > 0 else "bhiq"):
        width = struct.calcsize(f">{form}")
        if (value >= 0 and value >> (8 * width) == 0) or (value < 0 and value >= -(1 << (8 * width - 1))):
            return bytes(((0xCC if value > 0 else 0xD0) + number,)) + struct.pack(f">{form}", value)
    raise EncodeError("msgpack holds whole numbers from -2**63 to 2**64 - 1 only.")
