"""What the real ``marshal`` of every Python says of bytes: in processes of their own, as it can crash."""

from typing import Any

from app.cancel import CancelToken
from app.codecs.edits import Edit
from app.codecs.marshal.value import MarshalValue
from tests.codecs.interpreters import packed, run, unpacked

Normal = list[Any]
"""A value as nested lists: kind, content; sharing of lists, dicts and sets as their number in the order of visits."""

_COMMON = """
import base64, json, marshal, sys
text = type(u"")

def order(item):
    return repr(item).replace("u'", "'")

def normal(value, seen):
    if value is None or value is Ellipsis or value is StopIteration:
        return [{None: "none", Ellipsis: "Ellipsis", StopIteration: "StopIteration"}[value]]
    if isinstance(value, bool):
        return ["bool", value]
    if isinstance(value, (int, type(1 << 80))):
        return ["int", "%d" % value]
    if isinstance(value, (float, complex)):
        return [type(value).__name__, repr(value)]
    if isinstance(value, text):
        pass_ = () if sys.version_info[0] == 2 else ("surrogatepass",)
        raw = value.encode("utf-8", *pass_)
        return ["str", base64.b16encode(raw).decode("ascii").lower()]
    if isinstance(value, bytes):
        return ["bytes", base64.b16encode(value).decode("ascii").lower()]
    if isinstance(value, tuple):
        return ["tuple", [normal(item, seen) for item in value]]
    if isinstance(value, frozenset):
        return ["frozenset", sorted([normal(item, seen) for item in value], key=order)]
    if type(value).__name__ == "code":
        names = ("co_argcount", "co_flags", "co_stacksize", "co_code", "co_consts", "co_names", "co_filename",
                 "co_name", "co_firstlineno")
        return ["code", [[name, normal(getattr(value, name), seen)] for name in names]]
    if id(value) in seen:
        return ["again", seen[id(value)]]
    number = seen[id(value)] = len(seen)
    if isinstance(value, list):
        return ["list", number, [normal(item, seen) for item in value]]
    if isinstance(value, dict):
        pairs = [(normal(key, seen), item) for key, item in value.items()]
        if sys.version_info[0] == 2:  # where dicts have an order of their own
            pairs.sort(key=lambda pair: order(pair[0]))
        return ["dict", number, [[key, normal(item, seen)] for key, item in pairs]]
    return ["set", number, sorted([normal(item, seen) for item in value], key=order)]
"""

LOAD = (
    _COMMON
    + """
print(json.dumps([normal(marshal.loads(base64.b64decode(data)), {}) for data in json.load(sys.stdin)]))
"""
)
DUMP = (
    _COMMON
    + """
made = []
for source, version in json.load(sys.stdin):
    scope = {}
    exec(source, scope)
    made.append(base64.b64encode(marshal.dumps(scope["obj"], version)).decode("ascii"))
print(json.dumps(made))
"""
)
EDIT = (
    _COMMON
    + """
made = []
for old, new, statement in json.load(sys.stdin):
    scope = {"obj": marshal.loads(base64.b64decode(old))}
    exec(statement, scope)
    found = marshal.loads(base64.b64decode(new))
    made.append([normal(scope["obj"], {}), normal(found, {})])
print(json.dumps(made))
"""
)


def dumped(python: str, sources: list[tuple[str, int]]) -> list[bytes]:
    """Return what a Python dumps of ``obj`` that sources make, each in a version of marshal."""
    return [unpacked(text) for text in run(python, DUMP, sources)]


def loaded(python: str, values: list[bytes]) -> list[Normal]:
    """Return what a Python loads."""
    found: list[Normal] = run(python, LOAD, list(map(packed, values)))
    return found


def edited(python: str, edits: list[tuple[bytes, bytes, str]]) -> list[tuple[Normal, Normal]]:
    """Return what Python makes of old bytes by a statement on ``obj``, and what it loads from new ones."""
    asked = [(packed(old), packed(new), statement) for old, new, statement in edits]
    return [(expected, found) for expected, found in run(python, EDIT, asked)]


def decoded(data: bytes) -> MarshalValue:
    return MarshalValue(data, CancelToken())


def edit(data: bytes, change: Edit) -> bytes:
    return decoded(data).edit(change, CancelToken())


def normal_of(data: bytes, *, in_order: bool = True) -> Normal:
    """Return what we read, in the same form; dicts of Python 2 are not in the order of the bytes."""
    tree = decoded(data).tree(1_000_000)
    by_id: dict[int, Any] = {}
    _number(tree, by_id)
    return _Normalizer(by_id, in_order=in_order).normal(tree)


def _number(node: Any, by_id: dict[int, Any]) -> None:
    if isinstance(node, list):
        for part in node:
            _number(part, by_id)
    elif isinstance(node, dict):
        if "id" in node:
            by_id[node["id"]] = node
        for name in ("items", "state"):
            _number(node.get(name), by_id)


_KINDS = {"str2": "bytes", "long": "int"}
_CODE_FIELDS = (
    *("co_argcount", "co_flags", "co_stacksize", "co_code", "co_consts", "co_names", "co_filename", "co_name"),
    "co_firstlineno",
)


class _Normalizer:
    def __init__(self, by_id: dict[int, Any], *, in_order: bool) -> None:
        self._by_id = by_id
        self._in_order = in_order
        self._seen: dict[int, int] = {}

    def normal(self, node: dict[str, Any]) -> Normal:
        node = self._by_id[node["ref"]] if "ref" in node else node
        kind = _KINDS.get(node["t"], node["t"])
        if kind in ("list", "dict", "set"):
            return self._shared(node, kind)
        return [kind, *self._content(node, kind)] if kind != "global" else [node["name"].rpartition(".")[2]]

    def _content(self, node: dict[str, Any], kind: str) -> Normal:
        match kind:
            case "bool" | "int" | "float" | "complex":
                return [node["v"]]
            case "str" | "bytes":
                return [node["hex"]]
            case "tuple" | "frozenset":
                items = [self.normal(item) for item in node["items"]]
                return [sorted(items, key=repr) if kind == "frozenset" else items]
            case "code":
                fields = dict(node["state"])
                return [[[name, self.normal(fields[name])] for name in _CODE_FIELDS]]
        return []

    def _shared(self, node: dict[str, Any], kind: str) -> Normal:
        if node["id"] in self._seen:
            return ["again", self._seen[node["id"]]]
        number = self._seen[node["id"]] = len(self._seen)
        if kind == "dict":
            pairs = [(self.normal(key), value) for key, value in node["items"]]
            if not self._in_order:
                pairs.sort(key=lambda pair: repr(pair[0]))
            return ["dict", number, [[key, self.normal(value)] for key, value in pairs]]
        items = [self.normal(item) for item in node["items"]]
        return [kind, number, sorted(items, key=repr) if kind == "set" else items]
