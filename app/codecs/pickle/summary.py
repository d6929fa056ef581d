"""What a table cell shows of a pickle, from its first bytes."""

from collections.abc import Sequence

from app import limits
from app.codecs.base import Summary
from app.codecs.known.base import type_name
from app.codecs.known.registry import preview, type_and_text, type_of
from app.codecs.known.shape import class_name
from app.codecs.nodes import Kind
from app.codecs.pickle.graph import CUT_MARK, NEVER, Graph, parse
from app.codecs.pickle.opcodes import CODE, LONGS
from app.codecs.screen import ELLIPSIS, escape_text

_FIRST_BYTES = 1024
"""Bytes that nearly always fill a cell."""

_STAYS_OPEN = frozenset({Kind.LIST, Kind.DICT, Kind.SET, Kind.OBJECT})
"""Kinds that the pickle goes on to fill while their content is above them on the stack."""

_MADE_BY = {
    "_codecs.encode": "bytes",
    "array._array_reconstructor": "array.array",
    "numpy.core.numeric._frombuffer": "numpy.ndarray",
    "numpy._core.numeric._frombuffer": "numpy.ndarray",
}
"""Types of what functions return whose call is cut."""

_SHOWN_ARGUMENTS = 40

_MAKERS_OF_CLASSES = (
    "copy_reg._reconstructor",
    "copyreg._reconstructor",
    "copy_reg.__newobj__",
    "copyreg.__newobj__",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
)
"""Functions that make an object of the class that is their first argument."""


def summarise(prefix: bytes, size: int, whole: Graph | None = None) -> Summary:
    """Return the summary of a value of ``size`` bytes that begins with ``prefix``; ``whole`` if it is parsed already.

    Where the prefix ends before the value does, what was built until then is shown.
    """
    if whole is not None:
        return _summary(whole, size, is_prefix=len(prefix) < size)
    found = _summarise(prefix[:_FIRST_BYTES], size)
    if len(found.text) < limits.SUMMARY_CHARS and len(prefix) > _FIRST_BYTES:
        return _summarise(prefix[: limits.SUMMARY_PREFIX], size)
    return found


def _summarise(prefix: bytes, size: int) -> Summary:
    is_prefix = len(prefix) < size
    return _summary(parse(prefix, 0, NEVER, is_prefix=is_prefix), size, is_prefix=is_prefix)


def _summary(graph: Graph, size: int, *, is_prefix: bool) -> Summary:
    is_cut = is_prefix and graph.stream.is_cut
    kind, text = _unfinished(graph) if is_cut else _finished(graph)
    return Summary("pickle", kind, text, _problem(graph, size, is_cut=is_cut))


def _finished(graph: Graph) -> tuple[str, str]:
    if graph.kind(graph.root) is Kind.OBJECT:
        return type_and_text(graph, graph.root, limits.SUMMARY_CHARS)
    return type_of(graph, graph.root), _preview(graph, graph.root)


def _preview(graph: Graph, slot: int) -> str:
    return preview(graph, slot, limits.SUMMARY_CHARS)


def _unfinished(graph: Graph) -> tuple[str, str]:
    """Return type and text of a value of which only the beginning is there."""
    root, stream = graph.root, graph.stream
    kind = graph.kind(root)
    if root == stream.error_at:
        return _type_of_opcode(graph), ELLIPSIS
    if kind is Kind.OBJECT:
        return _type_made(graph, graph.parts(root).cls, graph.parts(root).args), _open_ended(_preview(graph, root))
    if not stream.left or kind in _STAYS_OPEN:
        return type_of(graph, root), _open_ended(_preview(graph, root))
    # Several values on the bottom of the stack wait for the opcode that joins them.
    if kind is not Kind.GLOBAL:
        return str(Kind.TUPLE), _open_ended(f"({_joined(graph, [root, *stream.left])}")
    first = stream.left[0]
    arguments = graph.items(first) if graph.kind(first) is Kind.TUPLE else stream.left
    text = f"{_preview(graph, root).rpartition('.')[2]}({_joined(graph, stream.left)}"
    return _type_made(graph, root, arguments), _open_ended(text)


def _type_of_opcode(graph: Graph) -> str:
    """Return the type of a scalar whose argument is cut too early to be read."""
    op = graph.stream.data[graph.root] if graph.root < len(graph.stream.data) else 0
    return str(Kind.INT) if op in LONGS or op == CODE["INT"] else ELLIPSIS


def _type_made(graph: Graph, callee: int, arguments: Sequence[int]) -> str:
    """Return the type of what a call will have made when the rest is read, as far as it is known."""
    name = class_name(graph, callee)
    if name in _MAKERS_OF_CLASSES and arguments:
        name = class_name(graph, arguments[0]) or name
    return escape_text(_MADE_BY.get(name) or type_name(name)) or "object"


def _joined(graph: Graph, slots: Sequence[int]) -> str:
    return ", ".join(_preview(graph, slot) for slot in slots[:_SHOWN_ARGUMENTS])


def _open_ended(text: str) -> str:
    """Return the text up to where the prefix ends, without the brackets that would close it."""
    shown = text.partition(f"<{CUT_MARK}>")[0].removesuffix(ELLIPSIS)
    return shown[: limits.SUMMARY_CHARS - 1] + ELLIPSIS


def _problem(graph: Graph, size: int, *, is_cut: bool) -> str:
    stream = graph.stream
    if not is_cut and stream.error:
        return stream.error
    if 0 <= stream.stop < size:
        return f"{size - stream.stop:,} bytes follow the STOP of the pickle."
    return ""
