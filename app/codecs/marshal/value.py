"""A marshal value, bare or behind the header of a ``.pyc`` file, as a tree that is looked at by pages and edited."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

from app.cancel import CancelToken
from app.codecs.base import DecodedValue, Holder, Inside, NodeRow
from app.codecs.edits import Edit, ReplaceNode, Written
from app.codecs.findings import Hit, OpcodeRow, Query
from app.codecs.literals.scalars import format_literal
from app.codecs.marshal.children import Children
from app.codecs.marshal.code_text import code_text
from app.codecs.marshal.editing import Editor
from app.codecs.marshal.graph import MarshalGraph, graph_of
from app.codecs.marshal.layouts import layout_of
from app.codecs.marshal.listing import listing
from app.codecs.marshal.models import model_of, whole_scalar
from app.codecs.marshal.problems import problems_of
from app.codecs.marshal.pyc import pyc_header
from app.codecs.marshal.rows import RowMaker
from app.codecs.marshal.search import hits, nodes_of
from app.codecs.model import Value
from app.codecs.nodes import SCALARS, Kind
from app.codecs.paths import parse_path
from app.codecs.plain.scalars import damaged_json, string_json
from app.codecs.plain.writing import plain_pieces
from app.codecs.screen import escape_text, shorten
from app.codecs.trees.children import Child
from app.codecs.trees.insides import content_of
from app.codecs.trees.new_content import new_content
from app.codecs.trees.node_json import node_json
from app.codecs.trees.pretty import pretty
from app.errors import PathError

_HEADER = "<header>"


class MarshalValue(DecodedValue):
    """One value. The root's row has one more child where a ``.pyc`` header stands before it."""

    codec: ClassVar[str] = "marshal"

    def __init__(
        self, data: bytes, token: CancelToken, graph: MarshalGraph | None = None, *, room: int | None = None
    ) -> None:
        """``graph`` is the value where it was parsed already, ``room`` as for `parse`."""
        super().__init__(data)
        self.header = pyc_header(data)
        self.graph = graph or parsed(data, token, room=room)
        self._children = Children(self.graph)
        self._rows = RowMaker(self._children)
        self.why_cut = self.graph.stream.error if self.graph.stream.is_full else ""

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(problems_of(self.graph))

    @property
    def is_damaged(self) -> bool:
        return bool(self.graph.stream.error)

    @property
    def damage_met(self) -> str:
        return self.graph.damage_met

    @property
    def root(self) -> NodeRow:
        return self._rows.row(self._children.root, self.header is not None)

    def rows(self, node: int, start: int, count: int) -> list[NodeRow]:
        try:
            rows = self._rows.page(node, start, count)
            total = self._rows.count(node)
        except (IndexError, KeyError, ValueError) as error:
            raise PathError(f"There is no node {node:,} in this value.") from error
        if self.header is not None and node == self.graph.root and start <= total < start + count:
            rows.append(self._header_row())
        return rows

    def _header_row(self) -> NodeRow:
        text = self.header.text if self.header is not None else ""
        return NodeRow(0, _HEADER, _HEADER, "pyc header", text, note="The header is kept as it is.")

    def find(self, path: str) -> NodeRow:
        if path == _HEADER and self.header is not None:
            return self._header_row()
        child = self._find(path)
        return self._rows.row(child, self.header is not None and not path)

    def _find(self, path: str) -> Child:
        return self._children.trail(parse_path(path))[-1]

    def edit_text(self, path: str) -> str:
        slot = self._find(path).slot
        kind = self.graph.kind(slot)
        if kind not in SCALARS:
            raise PathError(f"What stands at {path or 'the root'} is no single value that can be written as text.")
        return format_literal(whole_scalar(self.graph, slot), kind, is_python2=self.graph.is_python2)

    def replace(self, path: str, literal: str) -> bytes:
        return self.edit(ReplaceNode(path, Written(literal)), CancelToken())

    def edit(self, edit: Edit, token: CancelToken) -> bytes:
        return Editor(self._children, token).edit(edit)

    def insides(self, node: int) -> Sequence[Inside]:
        return content_of(self.graph, node) if 0 <= node < len(self.data) else ()

    def holders(self, token: CancelToken) -> Iterator[Holder]:
        for child, steps in nodes_of(self._children, token):
            if self.graph.target(child.slot) == child.slot and self.insides(child.slot):
                yield child.slot, partial("".join, steps)

    def with_inside(self, path: str, step: str, data: bytes, token: CancelToken) -> bytes:
        is_text = self.graph.kind(self._find(path).slot) is Kind.STR
        return self.edit(ReplaceNode(path, new_content(data, is_text=is_text)), token)

    def model(self, path: str, token: CancelToken) -> Value:
        return model_of(self.graph, self._find(path).slot, token)

    def opcodes(self, start: int, count: int, token: CancelToken) -> list[OpcodeRow]:
        return listing(self.graph, self.header, start, count, token)

    def search(self, query: Query, token: CancelToken) -> Iterator[Hit]:
        return hits(self._children, query, token)

    def text(self, limit: int, path: str = "") -> str:
        if path == _HEADER and self.header is not None:
            return self.header.text
        slot = self._find(path).slot
        if self.graph.kind(slot) is Kind.CODE:
            shown = code_text(self.graph, slot, self.header, limit)
            return shorten(shown if path or self.header is None else f"{self.header.text}\n\n{shown}", limit)
        return pretty(self.graph, slot, limit, self._children.path_of)

    def tree(self, limit: int, path: str = "") -> dict[str, Any]:
        if path == _HEADER and self.header is not None:
            return _header_json(self.header.text)
        return node_json(self.graph, self._find(path).slot, limit)

    def plain(self, token: CancelToken, path: str = "") -> Iterator[str]:
        if path == _HEADER and self.header is not None:
            yield string_json(self.header.text)
        elif self.is_damaged:
            yield damaged_json(self.graph.stream.error, self.data)
        else:
            yield from plain_pieces(self.graph, self._find(path).slot, self._children.path_of, token)


def parsed(data: bytes, token: CancelToken, *, room: int | None = None) -> MarshalGraph:
    """Return the marshal value of ``data``, behind the header of a ``.pyc`` file where there is one.

    Raises:
        Cancelled: by ``token``.
    """
    header = pyc_header(data)
    if header is None:
        return graph_of(data, 0, token, room=room)
    return graph_of(data, header.size, token, layout_of(header.version), room=room)


def _header_json(text: str) -> dict[str, Any]:
    raw = escape_text(text).encode()
    return {"t": Kind.STR.value, "hex": raw.hex(), "n": len(raw)}
