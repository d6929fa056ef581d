"""The codec of msgpack, by our own parser: it keeps the offsets that edits in place need."""

from typing import ClassVar

from app import limits
from app.cancel import CancelToken
from app.codecs.base import Codec, DecodedValue, Summary
from app.codecs.msgpack_value.graph import MsgpackGraph, Record, record_at
from app.codecs.msgpack_value.value import MsgpackValue
from app.codecs.nodes import Kind
from app.codecs.screen import ELLIPSIS
from app.errors import CodecError, DecodeError

_CONTAINERS = (Kind.LIST, Kind.DICT)
_DEEPEST_FIRST = 8
"""Arrays whose first item is an array whose first item… that are looked into."""

_SURE_VALUES = 3
_SURE_BYTES = 16
"""Items of a list of numbers from which on it is believed."""


class MsgpackCodec(Codec):
    """Recognises maps and arrays that end where the bytes do and hold what chance does not make."""

    name: ClassVar[str] = "msgpack"

    def sniff(self, data: bytes, *, whole: bool) -> str:
        if whole:
            return "It is a whole msgpack value." if self._whole(data, CancelToken()) else ""
        return "It begins like a msgpack value." if _begins(data) else ""

    def decode(self, data: bytes, token: CancelToken) -> MsgpackValue:
        return MsgpackValue(MsgpackGraph(data, token))

    def claimed_value(self, data: bytes, token: CancelToken) -> tuple[DecodedValue, str] | None:
        graph = self._whole(data, token)
        return None if graph is None else (MsgpackValue(graph), "It is a whole msgpack value.")

    def _whole(self, data: bytes, token: CancelToken) -> MsgpackGraph | None:
        if not _begins(data):
            return None
        try:
            graph = MsgpackGraph(data, token)
        except DecodeError:
            return None
        return graph if graph.end == len(data) else None

    def summary(self, prefix: bytes, size: int) -> Summary:
        if len(prefix) < size:
            return Summary(self.name, "dict" if prefix[0] < 0x90 or prefix[0] >= 0xDE else "list", ELLIPSIS)
        try:
            root = self.decode(prefix, CancelToken()).root
        except CodecError as error:
            return Summary(self.name, "msgpack", "", error.message)
        return Summary(self.name, root.type, root.text[: limits.SUMMARY_CHARS])


def _begins(data: bytes) -> bool:
    """Tell whether bytes begin like a map whose first keys are texts, or an array of what is no chance."""
    place = 0
    try:
        for _ in range(_DEEPEST_FIRST):
            record = record_at(data, place)
            if record.kind not in _CONTAINERS or not record.size:
                return False
            if record.kind is Kind.DICT:
                key = record_at(data, record.start)
                return key.kind is Kind.STR and _is_utf8(data[key.start : key.start + key.size])
            inner = record_at(data, record.start)
            if inner.kind not in _CONTAINERS:
                return _is_no_chance(data, record)
            place = record.start
    except DecodeError:
        return False
    return False


def _is_no_chance(data: bytes, record: Record) -> bool:
    """Tell whether an array has a text among its first items, or is long."""
    place = record.start
    for _ in range(min(record.size, _SURE_VALUES)):
        item = record_at(data, place)
        if item.kind is Kind.STR and _is_utf8(data[item.start : item.start + item.size]):
            return True
        if item.kind in _CONTAINERS:
            return False
        place = item.start + item.size
    return record.size >= _SURE_BYTES


def _is_utf8(octets: bytes) -> bool:
    try:
        return octets.decode("utf-8").isprintable() and bool(octets)
    except UnicodeDecodeError:
        return False
