"""The codec of marshal values, versions 0 to 5, bare or in a ``.pyc`` file."""

from typing import ClassVar

from app import limits
from app.cancel import CancelToken
from app.codecs.base import Codec, DecodedValue, Summary
from app.codecs.known.registry import preview, type_of
from app.codecs.marshal.graph import CUT_MARK, MarshalGraph
from app.codecs.marshal.layouts import layout_of
from app.codecs.marshal.parse import NEVER, parse
from app.codecs.marshal.pyc import pyc_header
from app.codecs.marshal.recognise import looks_like_marshal
from app.codecs.marshal.value import MarshalValue
from app.codecs.nodes import Kind
from app.codecs.screen import ELLIPSIS


class MarshalCodec(Codec):
    """Reads what ``marshal.dumps`` writes, without ``marshal``."""

    name: ClassVar[str] = "marshal"

    def sniff(self, data: bytes, *, whole: bool) -> str:
        return looks_like_marshal(data, whole=whole)[0]

    def decode(self, data: bytes, token: CancelToken) -> DecodedValue:
        return MarshalValue(data, token)

    def first_part(self, data: bytes, token: CancelToken) -> DecodedValue | None:
        value = MarshalValue(data, token, room=limits.FIRST_NODES)
        return value if value.why_cut else None

    def summary(self, prefix: bytes, size: int) -> Summary:
        return summarise(prefix, size)

    def claimed_value(self, data: bytes, token: CancelToken) -> tuple[DecodedValue, str] | None:
        reason, graph = looks_like_marshal(data, whole=True)
        return (MarshalValue(data, token, graph), reason) if reason else None

    def claimed_summary(self, prefix: bytes, size: int) -> Summary | None:
        reason, graph = looks_like_marshal(prefix, whole=len(prefix) >= size)
        return summarise(prefix, size, graph) if reason else None


def summarise(prefix: bytes, size: int, whole: MarshalGraph | None = None) -> Summary:
    """Return the summary of a value of ``size`` bytes that begins with ``prefix``; ``whole`` if that is parsed."""
    is_prefix = len(prefix) < size
    graph = whole or _begun(prefix, is_prefix=is_prefix)
    is_cut = is_prefix and graph.stream.is_cut
    text = preview(graph, graph.root, limits.SUMMARY_CHARS)
    if is_cut:
        text = _open_ended(text)
    kind = ELLIPSIS if is_cut and graph.kind(graph.root) is Kind.DAMAGED else type_of(graph, graph.root)
    return Summary(MarshalCodec.name, kind, text, "" if is_cut else _problem(graph, size))


def _begun(prefix: bytes, *, is_prefix: bool) -> MarshalGraph:
    header = pyc_header(prefix)
    start, layout = (header.size, layout_of(header.version)) if header is not None else (0, None)
    return MarshalGraph(parse(prefix, start, NEVER, layout), is_prefix=is_prefix)


def _open_ended(text: str) -> str:
    """Return the text up to where the prefix ends, without the brackets that would close it."""
    shown = text.partition(f"<{CUT_MARK}>")[0].removesuffix(ELLIPSIS)
    return shown[: limits.SUMMARY_CHARS - 1] + ELLIPSIS


def _problem(graph: MarshalGraph, size: int) -> str:
    stream = graph.stream
    if stream.error:
        return stream.error
    return f"{size - stream.stop:,} bytes follow the value." if stream.stop < size else ""
