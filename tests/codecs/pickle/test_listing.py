"""A listing has every opcode where pickletools has it, with the same name, argument and depth of the stack."""

import pickle
import pickletools
from typing import Any

import pytest

from app.cancel import CancelToken
from app.codecs.findings import OpcodeRow
from app.codecs.pickle.value import PickleValue
from tests import corpus

BENIGN = corpus.values("benign")
ALL = 10_000_000


def listed(data: bytes) -> list[OpcodeRow]:
    return PickleValue(data, CancelToken()).opcodes(0, ALL, CancelToken())


def read(data: bytes) -> list[tuple[Any, Any, int]]:
    """Return opcode, argument and offset of the first pickle; nothing where pickletools refuses its texts."""
    try:
        return [(code, arg, pos or 0) for code, arg, pos in pickletools.genops(data)]
    except ValueError:
        return []


def depths(opcodes: list[tuple[Any, Any, int]]) -> list[int]:
    """Return how many objects and marks are on the stack before each opcode, as ``pickletools.dis`` follows it."""
    stack: list[object] = []
    found = []
    for code, _, _ in opcodes:
        found.append(len(stack))
        before, after = code.stack_before, code.stack_after
        takes_mark = pickletools.markobject in before or (code.name == "POP" and stack[-1:] == [pickletools.markobject])
        if takes_mark:
            while stack.pop() is not pickletools.markobject:
                pass
            before = before[: before.index(pickletools.markobject)] if pickletools.markobject in before else []
        if before:
            del stack[-len(before) :]
        stack.extend(after)
    return found


READABLE = [case for case in BENIGN if len(case.read()) < 200_000 and read(case.read())]


def test_most_of_the_corpus_is_compared() -> None:
    assert len(READABLE) > len(BENIGN) * 0.9


@pytest.mark.parametrize("case", READABLE, ids=corpus.name_of)
def test_opcodes_and_their_arguments_are_those_of_pickletools(case: corpus.ValueCase) -> None:
    data = case.read()
    expected = read(data)

    rows = listed(data)[: len(expected)]

    assert len(rows) == len(expected)
    assert [(row.offset, row.name) for row in rows] == [(pos, code.name) for code, _, pos in expected]
    ends = [pos for _, _, pos in expected[1:]]
    assert [row.offset + row.size for row in rows[:-1]] == ends
    assert [row.depth for row in rows] == depths(expected)
    check_arguments(expected, rows)


def check_arguments(expected: list[tuple[Any, Any, int]], rows: list[OpcodeRow]) -> None:
    for (code, arg, _), row in zip(expected, rows, strict=True):
        match code.name, arg:
            case "GLOBAL" | "INST", str():
                assert row.argument.removesuffix("…") in arg.replace(" ", ".")
            case "FRAME", int():
                assert row.argument == f"{arg:,} bytes"
            case "PROTO" | "PUT" | "BINPUT" | "LONG_BINPUT" | "GET" | "BINGET" | "LONG_BINGET", int():
                assert row.argument == str(arg)
            case "BININT" | "BININT1" | "BININT2", int():
                assert row.argument == str(arg)
            case "BINFLOAT", float():
                assert row.argument == repr(arg)
            case _, None if code.name != "MEMOIZE":
                assert row.argument == "" or code.name in {"NONE", "NEWTRUE", "NEWFALSE"}


def test_memoize_is_shown_with_the_index_that_it_fills() -> None:
    rows = listed(pickle.dumps([[], ["a"]], 4))

    assert [row.argument for row in rows if row.name == "MEMOIZE"] == ["0", "1", "2", "3"]


def test_what_an_opcode_builds_is_told_with_its_place() -> None:
    rows = listed(pickle.dumps({"a": [1]}, 2))

    told = {row.name: row.builds for row in rows}
    assert told["BININT1"] == "['a'][0]: int"
    assert told["EMPTY_DICT"] == "the root: dict"
    assert told["SETITEM"] == "1 pair into the root"
    assert told["APPEND"] == "1 item into ['a']"
    assert told["STOP"] == "the root is the value"


def test_a_reference_names_the_place_of_its_object() -> None:
    shared = [1]

    rows = listed(pickle.dumps([shared, shared], 2))

    assert [row.builds for row in rows if row.name == "BINGET"] == ["[1]: the same object as [0]"]


def test_pages_join_to_the_whole() -> None:
    value = PickleValue(pickle.dumps(list(range(500)), 4) + pickle.dumps("second"), CancelToken())
    whole = value.opcodes(0, ALL, CancelToken())

    pages = [row for start in range(0, len(whole), 7) for row in value.opcodes(start, 7, CancelToken())]

    assert pages == whole
    assert [row.name for row in whole].count("STOP") == 2


def test_the_opcode_that_is_wrong_is_the_last_and_says_why() -> None:
    rows = listed(b"\x80\x02]K\x01aa.")

    assert rows[-1].name == "APPEND"
    assert "stack" in rows[-1].builds


@pytest.mark.parametrize("data", [b"\x80\x02\xff", b"\x80\x02X\xff\xff", b"", b"\x80"])
def test_damage_is_listed_as_far_as_it_goes(data: bytes) -> None:
    rows = listed(data)

    assert all(row.offset + row.size <= len(data) for row in rows)
