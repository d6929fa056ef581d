"""Whatever is asked of a hostile value, of any codec, ends in time on a stack of 512 KB, and runs nothing."""

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from app.cancel import CancelToken
from app.codecs import registry
from app.codecs.base import DecodedValue
from app.codecs.edits import AddPair, ChangeProtocol, DeleteNodes, InsertItem, RenameGlobal, ReplaceNode, Written
from app.codecs.literals.writing import literal_of
from app.codecs.model import Style
from app.errors import AppError
from tests import corpus
from tests.codecs.small_stacks import on_a_small_stack

TOKEN = CancelToken()
HOSTILE = corpus.values("hostile", "hostile-marshal")
SECONDS = 2.0
DEPTH = 6_000
DEEP = {
    "JSON": b"[" * DEPTH + b"1" + b"]" * DEPTH,
    "JSON objects": b'{"a":' * DEPTH + b"1" + b"}" * DEPTH,
    "msgpack": b"\x91" * DEPTH + b"\x01",
    "msgpack maps": b"\x81\xa1a" * DEPTH + b"\x01",
    "marshal": b"[\x01\x00\x00\x00" * DEPTH + b"N",
    "marshal dicts": b"{u\x01\x00\x00\x00a" * DEPTH + b"N" + b"0" * DEPTH,
    "pickle": b"\x80\x04" + b"]" * DEPTH + b"a" * (DEPTH - 1) + b".",
    "pickle of tuples": b"\x80\x04)" + b"\x85" * DEPTH + b".",
}


def asked_of_the_whole(value: DecodedValue) -> Iterator[Callable[[], object]]:
    yield lambda: "".join(value.typed(TOKEN))
    yield lambda: "".join(value.plain(TOKEN))
    yield lambda: registry.audit(value, TOKEN)
    yield lambda: value.opcodes(0, 500, TOKEN)
    yield lambda: literal_of(value.model("", TOKEN), 20_000, Style())
    yield lambda: value.tree(10_000)
    yield lambda: value.text(100_000)


def edits_of(value: DecodedValue) -> Iterator[Callable[[], object]]:
    """Yield every kind of edit, at the root and at its first parts."""
    root = value.root
    steps = [row.step for row in value.rows(root.node, 0, 3)]
    new = Written("7")
    for path in ["", *steps]:
        edits = (
            ReplaceNode(path, new, any_type=True),
            ReplaceNode(path, new, any_type=True, everywhere=True),
            InsertItem(path, 0, new),
            AddPair(path, Written("'new'"), new),
            DeleteNodes((path,)),
        )
        yield from (partial(value.edit, edit, TOKEN) for edit in edits)
        yield partial(value.model, path, TOKEN)
    yield lambda: value.edit(ChangeProtocol(3), TOKEN)
    yield lambda: value.edit(RenameGlobal("posix.system", "shop.Order"), TOKEN)


def slowest(data: bytes, questions: Callable[[DecodedValue], Iterator[Callable[[], object]]]) -> float:
    """Return the seconds that the longest answer takes; only our own errors may come of a question."""
    value, _ = registry.decode(data, TOKEN)
    longest = 0.0
    for ask in questions(value):
        started = time.thread_time()  # other processes of a busy machine do not count
        with contextlib.suppress(AppError):
            ask()
        longest = max(longest, time.thread_time() - started)
    return longest


@pytest.mark.parametrize("case", HOSTILE, ids=corpus.name_of)
def test_a_hostile_value_is_looked_at(case: corpus.ValueCase, pwned_marker: Path) -> None:
    assert on_a_small_stack(lambda: slowest(case.read(), asked_of_the_whole)) < SECONDS
    assert not pwned_marker.exists()


@pytest.mark.parametrize("case", HOSTILE, ids=corpus.name_of)
def test_a_hostile_value_is_edited_or_refused(case: corpus.ValueCase, pwned_marker: Path) -> None:
    assert on_a_small_stack(lambda: slowest(case.read(), edits_of)) < SECONDS
    assert not pwned_marker.exists()


@pytest.mark.parametrize("data", DEEP.values(), ids=DEEP)
def test_a_deep_value_of_any_codec_is_looked_at_and_edited(data: bytes) -> None:
    assert on_a_small_stack(lambda: slowest(data, asked_of_the_whole)) < SECONDS
    assert on_a_small_stack(lambda: slowest(data, edits_of)) < SECONDS
