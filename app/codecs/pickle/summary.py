"""What a table cell shows of a pickle, from its first bytes."""

from app import limits
from app.codecs.base import Summary
from app.codecs.known.registry import preview
from app.codecs.nodes import Kind
from app.codecs.pickle.graph import CUT_MARK, NEVER, Graph, parse
from app.codecs.pickle.rows import type_of
from app.codecs.screen import ELLIPSIS, shorten

_FIRST_BYTES = 1024
"""Bytes that nearly always fill a cell."""


_STAYS_OPEN = frozenset({Kind.LIST, Kind.DICT, Kind.SET, Kind.OBJECT})
"""Kinds that the pickle goes on to fill while their content is above them on the stack."""


def summarise(prefix: bytes, size: int) -> Summary:
    """Return the summary of a value of ``size`` bytes that begins with ``prefix``.

    Where the prefix ends before the value does, what was built until then is shown.
    """
    found = _summarise(prefix[:_FIRST_BYTES], size)
    if len(found.text) < limits.SUMMARY_CHARS and len(prefix) > _FIRST_BYTES:
        return _summarise(prefix[: limits.SUMMARY_PREFIX], size)
    return found


def _summarise(prefix: bytes, size: int) -> Summary:
    is_prefix = len(prefix) < size
    graph = parse(prefix, 0, NEVER, is_prefix=is_prefix)
    is_cut = is_prefix and graph.stream.is_cut
    kind, text = _unfinished(graph) if is_cut else (type_of(graph, graph.root), _preview(graph, graph.root))
    return Summary("pickle", kind, text, _problem(graph, size, is_cut=is_cut))


def _preview(graph: Graph, slot: int) -> str:
    return preview(graph, slot, limits.SUMMARY_CHARS)


def _unfinished(graph: Graph) -> tuple[str, str]:
    """Return type and text of a value of which only the beginning is there."""
    root, stream = graph.root, graph.stream
    if root == stream.error_at:
        return ELLIPSIS, ELLIPSIS
    if not stream.left or graph.kind(root) in _STAYS_OPEN:
        return type_of(graph, root), _open_ended(_preview(graph, root))
    # Several values on the bottom of the stack wait for the opcode that joins them.
    is_call = graph.kind(root) is Kind.GLOBAL
    shown = ", ".join(_preview(graph, slot) for slot in (*([] if is_call else [root]), *stream.left))
    opening = f"{_preview(graph, root).rpartition('.')[2]}(" if is_call else "("
    return _preview(graph, root) if is_call else str(Kind.TUPLE), _open_ended(opening + shown)


def _open_ended(text: str) -> str:
    """Return the text up to where the prefix ends, without the brackets that would close it."""
    shown = text.partition(f"<{CUT_MARK}>")[0]
    return shown if shown.endswith(ELLIPSIS) else shorten(shown, limits.SUMMARY_CHARS - 1) + ELLIPSIS


def _problem(graph: Graph, size: int, *, is_cut: bool) -> str:
    stream = graph.stream
    if not is_cut and stream.error:
        return stream.error
    if 0 <= stream.stop < size:
        return f"{size - stream.stop:,} bytes follow the STOP of the pickle."
    return ""
