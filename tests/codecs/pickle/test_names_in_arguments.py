"""Ids and names that an opcode holds as its argument: whatever they begin with, they are read as text."""

import json
import pickle
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs import registry
from app.codecs.base import DecodedValue
from app.codecs.edits import ChangeProtocol, ReplaceNode, Written
from app.codecs.findings import Query
from app.errors import EncodeError
from tests.codecs.pickle.test_hostile import visit_rows

NAMES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=8)
ALL_FIRST = [chr(code) for code in range(0x20, 0x7F)]


class _Loader(pickle._Unpickler):
    def persistent_load(self, pid: object) -> object:
        return ("id", pid)


def decoded(data: bytes) -> DecodedValue:
    return registry.decode(data, CancelToken(), "pickle")[0]


def ask_everything(value: DecodedValue) -> None:
    token = CancelToken()
    visit_rows(value)
    value.text(10_000)
    value.tree(1000)
    "".join(value.plain(token))
    "".join(value.typed(token))
    list(value.search(Query("needle"), token))
    value.audit(token)
    value.opcodes(0, 100, token)
    with suppress(EncodeError):  # an object that the pickle changes itself
        value.model("", token)
    registry.summary(value.data, len(value.data))


@pytest.mark.parametrize("first", ALL_FIRST)
@pytest.mark.parametrize("rest", [b"oot", b""])
def test_an_id_may_begin_with_any_character(first: str, rest: bytes) -> None:
    pid = first.encode() + rest
    value = decoded(b"(lp0\nP%b\naVneedle\np1\na." % pid)

    ask_everything(value)
    edited = value.edit(ReplaceNode("[0]<id>", Written("'Other'")), CancelToken())
    raised = value.edit(ChangeProtocol(2), CancelToken())

    assert json.loads("".join(value.plain(CancelToken()))) == [{"__persid__": pid.decode()}, "needle"]
    assert _Loader(BytesIO(edited)).load() == [("id", "Other"), "needle"]
    assert _Loader(BytesIO(raised)).load() == [("id", pid.decode()), "needle"]


@pytest.mark.parametrize("first", ALL_FIRST)
@pytest.mark.parametrize("opcodes", [b"c%boot\nname\n}Va\nI1\nsb.", b"(i%boot\nname\n.", b"(lc%boot\nname\na."])
def test_a_module_may_begin_with_any_character(opcodes: bytes, first: str) -> None:
    value = decoded(opcodes % first.encode())

    ask_everything(value)

    assert {named.name for named in value.audit(CancelToken()).globals} == {f"{first}oot.name"}


@given(pid=NAMES, is_python2=st.booleans())
def test_any_id_can_be_looked_at(pid: str, is_python2: bool) -> None:
    value = decoded(b"(P%b\n%bt." % (pid.encode(), b"S'a'\n" if is_python2 else b"Va\n"))

    ask_everything(value)

    assert json.loads("".join(value.plain(CancelToken())))[0] == {"__persid__": pid}
