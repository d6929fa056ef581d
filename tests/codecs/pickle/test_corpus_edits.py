"""Every kind of edit on every benign file: the Python that wrote it loads its object with the same edit made."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from app.cancel import CancelToken
from app.codecs.base import NodeRow
from app.codecs.edits import AddPair, DeleteNodes, Edit, InsertItem, RenameKey, Reorder, ReplaceNode, Written
from app.codecs.pickle.codec import PickleCodec
from app.codecs.pickle.value import PickleValue
from app.errors import EncodeError
from tests import corpus
from tests.codecs.interpreters import VERSIONS, packed, run
from tests.codecs.pickle.loading import SCRIPT

TOKEN = CancelToken()
NEW = "[7, None, (1.5,)]"
KEY = "7777"
SMALL = 5_000
"""Bytes of a pickle in which more than a few places are tried."""

EDITING = SCRIPT.replace(
    "parts(pair for pair in value.items())",
    "parts(ordered(value.items()))",  # Python 2's order tells of the past
).replace(
    "def main():",
    r"""
import ast

def ordered(pairs):
    return sorted(pairs, key=lambda pair: json.dumps(told(pair[0], {}, []))) if IS_PYTHON2 else pairs


def steps(value, path):
    for kind, text in path:
        if kind == "state":
            value = [entry[1] for entry in value.log if entry[0] == "state"][0]
        else:
            value = within(value, ast.literal_eval(text))[ast.literal_eval(text)]
    return value


def within(state, key):
    if isinstance(state, tuple) and not isinstance(key, int):
        return [part for part in state if part and key in part][0]
    return state


def changed(value, path, kind, new):
    last = ast.literal_eval(path[-1][1]) if path else None
    holder = within(steps(value, path[:-1]), last) if path else None
    node = steps(value, path)
    if kind == "replace":
        holder[last] = new
    elif kind == "delete":
        del holder[last]
    elif kind == "insert":
        node.insert(1, new)
    elif kind == "append":
        node.append(new)
    elif kind == "reverse":
        node.reverse()
    elif kind == "reverse pairs":
        pairs = list(node.items())[::-1]
        node.clear()
        for key, each in pairs:
            node[key] = each
    elif kind == "add":
        node[7777] = new
    elif kind == "element":
        node.add(7777)
    elif kind == "rename":
        pairs = [(7777 if key == last else key, each) for key, each in holder.items()]
        holder.clear()
        for key, each in pairs:
            holder[key] = each


def main():
    sys.setrecursionlimit(100000)
    request = json.load(sys.stdin)
    found = []
    for before, after, path, kind in request["edits"]:
        globals()["numbers"] = itertools.count()
        value = load(base64.b64decode(before), "latin-1")
        if path and type(within(steps(value, path[:-1]), ast.literal_eval(path[-1][1]))) not in (list, dict):
            continue
        changed(value, path, kind, [7, None, (1.5,)])
        expected = told(value, {}, [])
        globals()["numbers"] = itertools.count()
        found.append([expected, told(load(base64.b64decode(after), "latin-1"), {}, [])])
    print(json.dumps(found))


def old_main():""",
)


@dataclass(frozen=True, slots=True)
class Made:
    """An edit of a file, and how the object is reached: steps of (sort, literal)."""

    case: corpus.ValueCase
    edited: bytes
    kind: str
    path: tuple[tuple[str, str], ...]


def decode(data: bytes) -> PickleValue:
    value = PickleCodec().decode(data, TOKEN)
    assert isinstance(value, PickleValue)
    return value


def places(value: PickleValue, most: int) -> Iterator[tuple[str, NodeRow, tuple[tuple[str, str], ...]]]:
    """Yield paths, rows and steps of nodes that the object's own operators reach."""
    waiting: list[tuple[str, NodeRow, tuple[tuple[str, str], ...]]] = [("", value.root, ())]
    seen: set[int] = set()
    while waiting and most:
        path, row, steps = waiting.pop(0)
        yield path, row, steps
        most -= 1
        if row.node in seen or "shared" in row.flags:
            continue
        seen.add(row.node)
        for child in value.rows(row.node, 0, 10):
            sort = step_of(row, child)
            if sort:
                waiting.append((path + child.step, child, steps + sort))


def step_of(row: NodeRow, child: NodeRow) -> tuple[tuple[str, str], ...]:
    if row.type in ("list", "dict") and child.step.startswith("[") and not child.step.startswith("[#"):
        return (("item", child.step[1:-1]),)
    if child.step.startswith(".") and "unknown-class" in row.flags:
        return (("state", ""), ("item", repr(child.step[1:])))
    return ()


def edits(path: str, row: NodeRow, steps: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, Edit]]:
    new = Written(NEW)
    if steps:
        yield "replace", ReplaceNode(path, new, any_type=True)
        yield "delete", DeleteNodes((path,))
        if path.endswith("']"):
            yield "rename", RenameKey(path, Written(KEY))
    if row.type == "list":
        yield "append", InsertItem(path, row.count, new)
        yield "reverse", Reorder(path, tuple(reversed(range(row.count))))
        if row.count:
            yield "insert", InsertItem(path, 1, new)
    if row.type == "dict":
        yield "add", AddPair(path, Written(KEY), new)
        yield "reverse pairs", Reorder(path, tuple(reversed(range(row.count))))
    if row.type == "set":
        yield "element", InsertItem(path, 0, Written(KEY))


def made_edits(case: corpus.ValueCase) -> Iterator[Made]:
    data = case.read()
    value = decode(data)
    for path, row, steps in places(value, 12 if len(data) < SMALL else 4):
        if row.type == "dict" and any("<key>" in child.step for child in value.rows(row.node, 0, 1000)):
            continue
        for kind, each in edits(path, row, steps):
            edited = edited_unless_refused(value, each)
            if edited:
                yield Made(case, edited, kind, steps)


def edited_unless_refused(value: PickleValue, edit: Edit) -> bytes:
    """Return the edited bytes, none where a known type or an attribute would be spoiled."""
    try:
        return value.edit(edit, TOKEN)
    except EncodeError as error:
        if re.search("could not be read any more|must be a text", error.message):
            return b""
        raise


@pytest.mark.parametrize("case", corpus.values("benign"), ids=corpus.name_of)
def test_every_edit_of_the_corpus_reads_back_and_can_be_taken_back(case: corpus.ValueCase) -> None:
    before = decode(case.read())

    for made in made_edits(case):
        after = decode(made.edited)

        assert len(after.problems) <= len(before.problems), (made.kind, made.path)
        assert not after.is_damaged


@pytest.mark.parametrize("version", VERSIONS)
def test_the_python_that_wrote_a_file_sees_the_same_edit(version: str) -> None:
    cases = [case for case in corpus.values("benign") if str(case.sidecar.get("python", "")).startswith(version + ".")]
    made = [each for case in cases if not case.name.startswith(("np_", "pd_")) for each in made_edits(case)]
    if not made:
        pytest.skip(f"No file of the corpus was written by Python {version}.")
    request: list[Any] = [[packed(each.case.read()), packed(each.edited), each.path, each.kind] for each in made]

    found = run(version, EDITING, {"edits": request})

    assert len(found) > len(made) // 2
    for expected, got in found:
        assert got == expected
