"""JSON text as a tree with paths, edited as text."""

import codecs
import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

from app import limits
from app.cancel import CancelToken
from app.codecs.base import Codec, DecodedValue, Holder, Inside, NodeRow, Summary
from app.codecs.edits import Edit, ReplaceNode, Written
from app.codecs.holding import CONTENT, may_hold
from app.codecs.json_value.edit import JsonEditor
from app.codecs.json_value.locate import Places, scalar_of, walk
from app.codecs.json_value.parse import JsonTree, parse_json
from app.codecs.literals.scalars import format_literal
from app.codecs.model import Atom, Items, Pairs, Value
from app.codecs.nodes import CONTAINERS, Kind
from app.codecs.plain.text import QUOTED_CONSTANTS, minified
from app.codecs.screen import ELLIPSIS, escape_text, scalar_text, shorten
from app.codecs.text_encoding import Encoding, decoded_text
from app.codecs.trees.new_content import new_content
from app.errors import DecodeError, LimitExceeded, PathError

_START = re.compile(r"\s*+(?:\{\s*+[\"}]|\[\s*+(?:[\[\]{\"\d\-tfn]|NaN|Infinity))")
_START_UTF16 = re.compile(rb"[\[{]\0|\0[\[{]")
_SPACE = re.compile(r"\s+")
_FEWEST_BYTES = 4


class JsonValue(DecodedValue):
    """A JSON text that is an object or an array."""

    codec: ClassVar[str] = "json"

    def __init__(self, data: bytes, tree: JsonTree, encoding: Encoding) -> None:
        super().__init__(data)
        self._tree = tree
        self._encoding = encoding
        self._places = Places(tree)

    # ---- rows

    @property
    def root(self) -> NodeRow:
        return self._row(0, "", "")

    def _row(self, node: int, step: str, label: str) -> NodeRow:
        tree = self._tree
        kind = tree.kinds[node]
        type_ = str(kind) if step else "json"
        own = "" if tree.is_strict else ", with NaN or Infinity, which only JSON of Python has"
        note = "" if step else f"{self._encoding.title} text{own}"
        if kind in CONTAINERS:
            return NodeRow(node, step, escape_text(label), type_, self._preview(node), tree.count(node), note=note)
        return NodeRow(node, step, escape_text(label), type_, self._shown(node, kind), note=note, editor=str(kind))

    def _preview(self, node: int) -> str:
        tree = self._tree
        start, end = tree.starts[node], tree.ends[node]
        shown = _SPACE.sub(" ", tree.text[start : min(end, start + limits.CELL_CHARS)])
        return escape_text(shown + (ELLIPSIS if end - start > limits.CELL_CHARS else ""))

    def _shown(self, node: int, kind: Kind) -> str:
        try:
            return scalar_text(scalar_of(self._tree, node), kind, is_python2=False)
        except LimitExceeded:
            return shorten(self._tree.source(node), limits.CELL_CHARS)

    def _label(self, node: int, index: int) -> str:
        if self._tree.kinds[node] is Kind.LIST:
            return str(index)
        return shorten(str(scalar_of(self._tree, self._tree.children(node)[2 * index])), limits.CELL_CHARS)

    def rows(self, node: int, start: int, count: int) -> list[NodeRow]:
        if not 0 <= node < len(self._tree.kinds):
            raise PathError(f"There is no node {node:,} in this value.")
        children = self._tree.values(node)
        return [
            self._row(children[index], self._places.step(node, index), self._label(node, index))
            for index in range(start, min(start + count, len(children)))
        ]

    def find(self, path: str) -> NodeRow:
        trail = self._places.trail(path)
        if len(trail) == 1:
            return self.root
        if path.endswith("<key>"):
            return self._row(trail[-1][0], "<key>", "<key>")
        (parent, _), (node, index) = trail[-2:]
        return self._row(node, self._places.step(parent, index), self._label(parent, index))

    # ---- edits

    def edit_text(self, path: str) -> str:
        node = self._places.find(path)
        kind = self._tree.kinds[node]
        if kind in CONTAINERS:
            raise PathError(f"What stands at {path or 'the root'} is no single value that can be written as text.")
        return format_literal(scalar_of(self._tree, node, capped=False), kind)

    def replace(self, path: str, literal: str) -> bytes:
        return self.edit(ReplaceNode(path, Written(literal)), CancelToken())

    def edit(self, edit: Edit, token: CancelToken) -> bytes:
        text = JsonEditor(self._tree, self._places, token).edited(edit)
        return self.data if text == self._tree.text else self._encoding.encoded(text)

    def insides(self, node: int) -> Sequence[Inside]:
        tree = self._tree
        if not 0 <= node < len(tree.kinds) or tree.kinds[node] is not Kind.STR:
            return ()
        size = tree.ends[node] - tree.starts[node] - 2
        start = tree.text[tree.starts[node] + 1 : tree.starts[node] + 65].replace('\\"', '"').encode("utf-8", "replace")
        if size < _FEWEST_BYTES or not may_hold(start, is_text=True):
            return ()
        content = str(scalar_of(tree, node)).encode("utf-8", "surrogatepass")
        return (Inside(CONTENT, len(content), lambda count: content[:count]),)

    def holders(self, token: CancelToken) -> Iterator[Holder]:
        for node, steps in walk(self._tree, self._places, token):
            if self.insides(node):
                yield node, partial("".join, steps)

    def with_inside(self, path: str, step: str, data: bytes, token: CancelToken) -> bytes:
        return self.edit(ReplaceNode(path, new_content(data, is_text=True)), token)

    def model(self, path: str, token: CancelToken) -> Value:
        return _model(self._tree, self._places.find(path), token)

    # ---- all of it

    def text(self, limit: int, path: str = "") -> str:
        node = self._places.find(path)
        start, end = self._tree.starts[node], self._tree.ends[node]
        part = self._tree.text if not node else self._tree.text[start : min(end, start + limit + 1)]
        return escape_text(shorten(part, limit), keep_lines=True)

    def tree(self, limit: int, path: str = "") -> dict[str, Any]:
        return _node_json(self._tree, self._places.find(path), limit)

    def plain(self, token: CancelToken, path: str = "") -> Iterator[str]:
        yield from minified(self._tree.source(self._places.find(path)), token, QUOTED_CONSTANTS) or ()


class JsonCodec(Codec):
    """Recognises JSON that is an object or an array; a bare number or text is text."""

    name: ClassVar[str] = "json"

    def sniff(self, data: bytes, *, whole: bool) -> str:
        found = _decoded(data, whole=whole)
        if found is None or (whole and parse_json(found[0], CancelToken()) is None):
            return ""
        return f"It is JSON in {found[1].title}." if whole else f"It is {found[1].title} text that begins like JSON."

    def decode(self, data: bytes, token: CancelToken) -> JsonValue:
        value = self._value(data, token)
        if value is None:
            raise DecodeError("The value is no JSON object or array: it is not what RFC 8259 allows, or Python writes.")
        return value

    def claimed_value(self, data: bytes, token: CancelToken) -> tuple[DecodedValue, str] | None:
        value = self._value(data, token)
        return None if value is None else (value, f"It is JSON in {value._encoding.title}.")  # noqa: SLF001  # our own class

    def _value(self, data: bytes, token: CancelToken) -> JsonValue | None:
        found = _decoded(data, whole=True)
        tree = parse_json(found[0], token) if found else None
        return JsonValue(data, tree, found[1]) if tree and found else None

    def claimed_summary(self, prefix: bytes, size: int) -> Summary | None:
        whole = len(prefix) >= size
        found = _decoded(prefix, whole=whole)
        if found is None or (whole and minified(found[0], CancelToken(), QUOTED_CONSTANTS) is None):
            return None
        text = found[0]
        shown = shorten(text, limits.SUMMARY_CHARS) if whole else text[: limits.SUMMARY_CHARS] + ELLIPSIS
        return Summary(self.name, "json", escape_text(shown))

    def summary(self, prefix: bytes, size: int) -> Summary:
        return self.claimed_summary(prefix, size) or Summary(self.name, "json", "", "The value is no JSON.")


def _decoded(data: bytes, *, whole: bool) -> tuple[str, Encoding] | None:
    """Return a text that begins like JSON and its encoding."""
    if _START_UTF16.match(data):
        name = "utf-16-be" if data[:1] == b"\0" else "utf-16-le"
        try:
            text = codecs.getincrementaldecoder(name)().decode(data, final=whole)
        except UnicodeDecodeError:
            return None
        return (text, Encoding(name)) if _START.match(text) else None
    found = decoded_text(data, whole=whole) if data else None
    return found if found and _START.match(found[0]) else None


def _model(tree: JsonTree, root: int, token: CancelToken) -> Value:
    """Return a node as a value to be written elsewhere; made from its last part to its first, so without recursion."""
    made: dict[int, Value] = {}
    end = root + 1
    while end < len(tree.kinds) and tree.starts[end] < tree.ends[root]:
        end += 1
    for node in range(end - 1, root - 1, -1):
        token.check()
        kind = tree.kinds[node]
        if kind is Kind.LIST:
            made[node] = Items(Kind.LIST, [made.pop(kid) for kid in tree.children(node)])
        elif kind is Kind.DICT:
            kids = [made.pop(kid) for kid in tree.children(node)]
            made[node] = Pairs(list(zip(kids[::2], kids[1::2], strict=True)))
        else:
            made[node] = Atom(kind, scalar_of(tree, node, capped=False))
    return made[root]


def _node_json(tree: JsonTree, root: int, limit: int) -> dict[str, Any]:
    """Return the node JSON of DESIGN section 4 with at most ``limit`` nodes."""
    top = _node(tree, root, 0)
    waiting = [(root, top, 0)]
    ids, room = 1, limit - 1
    while waiting:
        node, shown, at = waiting.pop()
        if tree.kinds[node] not in CONTAINERS:
            continue
        kids, step = tree.children(node), 2 if tree.kinds[node] is Kind.DICT else 1
        items = shown.setdefault("items", [])
        if at < len(kids) and room <= 0:
            shown["more"] = (len(kids) - at) // step
        elif at < len(kids):
            made = [_node(tree, kid, ids) for kid in kids[at : at + step]]
            ids += "id" in made[-1]
            room -= step
            items.append(made if step == 2 else made[0])
            waiting += [(node, shown, at + step), (kids[at + step - 1], made[-1], 0)]
    return top


def _node(tree: JsonTree, node: int, next_id: int) -> dict[str, Any]:
    """Return a node without what it holds."""
    kind = tree.kinds[node]
    if kind in CONTAINERS:
        return {"t": str(kind), "id": next_id, "n": tree.count(node)}
    match kind, tree.source(node):
        case Kind.NONE, _:
            return {"t": str(kind)}
        case Kind.BOOL, source:
            return {"t": str(kind), "v": source == "true"}
        case Kind.STR, _:
            raw = str(scalar_of(tree, node)).encode("utf-8", "surrogatepass")
            return {"t": str(kind), "hex": raw.hex(), "n": len(raw)}
        case Kind.FLOAT, source:
            return {"t": str(kind), "v": repr(float(source))}
        case _, source:
            return {"t": str(kind), "v": source if source != "-0" else "0"}
