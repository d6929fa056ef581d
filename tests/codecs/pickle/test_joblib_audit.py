"""Audits of joblib's dumps tell what their own bytes say: to joblib, and to pickle, for which arrays are opcodes."""

import contextlib
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs import registry
from app.codecs.findings import Audit, Risk
from app.codecs.pickle.opcodes import name_of
from tests.codecs.pickle.audit_referees import picklescan_names
from tests.codecs.pickle.test_unfollowed import REFUSALS, Looking

TOKEN = CancelToken()
DATA = Path(__file__).parents[2] / "data" / "joblib"
DUMPS = sorted(path.name for path in DATA.glob("*__1*.joblib") if "packed" not in path.name)
WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
SHELL = b"0cos\nsystem\n(\x8c\x04echotR"


def dump(name: str) -> bytes:
    return (DATA / name).read_bytes()


def wrapped(memory: bytes, code: bytes = b"u1", *, more: bytes = b"", build: bytes = b"b") -> bytes:
    """Return the opcodes of a wrapper, without a frame, and a memory behind it."""
    size = len(memory).to_bytes(2, "little")
    return (
        b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(\x8c\x08subclasscnumpy\nndarray\n\x8c\x05shapeM"
        + size
        + b"\x85\x8c\x05order\x8c\x01C\x8c\x05dtypecnumpy\ndtype\n(\x8c\x02"
        + code
        + b"\x89\x88tR(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x8c\x0aallow_mmap\x88"
        + more
        + b"u"
        + build
        + memory
    )


def audit(data: bytes, codec: str = "joblib") -> Audit:
    value, _ = registry.decode(data, TOKEN)
    assert value.codec == codec
    return registry.audit(value, TOKEN)


def all_names(found: Audit) -> set[str]:
    return {named.name for named in (*found.globals, *found.behind)}


def looked_up(data: bytes) -> set[str]:
    python = Looking(io.BytesIO(data))
    with contextlib.suppress(*REFUSALS):
        python.load()
    return python.names


HIDDEN = {
    "called": SHELL,
    "called before what Python refuses": SHELL + b"\xff\xff",
    "named by texts": b"0\x8c\x02os\x8c\x06system\x93)R",
    "behind a STOP": b"." + SHELL[1:] + b".",
}


@pytest.mark.parametrize("memory", HIDDEN.values(), ids=HIDDEN)
def test_what_hides_in_the_memory_of_an_array_is_named(memory: bytes) -> None:
    data = b"\x80\x02" + wrapped(memory) + b"."

    found = audit(data)

    assert looked_up(data) <= all_names(found)
    assert set(picklescan_names(data)) <= all_names(found)
    assert "os.system" in all_names(found)
    assert {named.risk for named in (*found.globals, *found.behind) if named.name == "os.system"} == {Risk.DANGEROUS}


def test_a_call_in_the_memory_of_an_array_has_its_offset_and_says_who_makes_it() -> None:
    data = b"\x80\x02" + wrapped(SHELL) + b"."

    [call] = [call for call in audit(data).calls if call.callable == "os.system"]

    assert data[call.offset] == ord("R")
    assert call.risk is Risk.DANGEROUS
    assert call.why.endswith("Only pickle makes it, for which the bytes of an array are opcodes.")


OBJECTS = {
    "sure": b"\x80\x02cos\nsystem\n(U\x02idtR.",
    "of protocol 0": b"N0cos\nsystem\n(S'id'\ntR.",
    "an instance": b"(S'id'\nios\nsystem\n.",
}


@pytest.mark.parametrize("inner", OBJECTS.values(), ids=OBJECTS)
def test_what_an_array_of_objects_calls_is_told_with_its_offset(inner: bytes) -> None:
    data = b"\x80\x02](K\x01" + wrapped(inner, b"O8") + b"e."

    found = audit(data)

    call = next(call for call in found.calls if call.callable == "os.system")
    assert name_of(data[call.offset]) in ("REDUCE", "INST")
    assert call.path.startswith("[1]")
    assert found.gaps == ()


@pytest.mark.parametrize("name", DUMPS)
def test_names_and_calls_of_a_dump_are_its_own(name: str) -> None:
    data = dump(name)

    found = audit(data)

    assert found.gaps == ()
    assert found.behind == ()
    assert not any(call.risk is Risk.DANGEROUS for call in found.calls)
    assert not any(call.callable.endswith("._reconstruct") for call in found.calls if name[0] in "adm")
    for named in found.globals:
        assert name_of(data[named.offset]) in ("GLOBAL", "STACK_GLOBAL")
    for call in found.calls:
        assert name_of(data[call.offset]) in ("REDUCE", "NEWOBJ", "BUILD")
    assert data.count(b"NumpyArrayWrapper") <= len([named for named in found.globals if named.name == WRAPPER])


@pytest.mark.parametrize("name", DUMPS)
def test_paths_lead_to_what_is_shown(name: str) -> None:
    value, _ = registry.decode(dump(name), TOKEN)
    found = registry.audit(value, TOKEN)

    for path in (*(named.path for named in found.globals), *(call.path for call in found.calls)):
        value.find(path)


@pytest.mark.parametrize("name", DUMPS)
def test_opcodes_are_those_of_the_dump(name: str) -> None:
    data = dump(name)
    value, _ = registry.decode(data, TOKEN)

    rows = value.opcodes(0, 10_000, TOKEN)

    place = 0
    for row in rows:
        assert row.offset == place
        assert row.name in ("memory", name_of(data[row.offset]))
        place += row.size
        if row.node >= 0:
            value.find(row.path)
    assert place == len(data)
    assert [row for start in range(0, len(rows), 7) for row in value.opcodes(start, 7, TOKEN)] == rows


NOT_FOLLOWED = {
    "a shape that is no number": wrapped(b"abc").replace(b"M\x03\x00\x85", b"\x8c\x013\x85", 1),
    "a second state": wrapped(b"abc")[:-3] + b"}b" + b"abc",
    "a dtype that is not known": wrapped(b"abc", b"x1"),
    "an alignment that is no number": wrapped(b"abc", more=b"\x8c\x1bnumpy_array_alignment_bytes\x8c\x013"),
}


@pytest.mark.parametrize("opcodes", NOT_FOLLOWED.values(), ids=NOT_FOLLOWED)
def test_it_is_said_where_joblib_cannot_be_followed(opcodes: bytes) -> None:
    value, _ = registry.decode(b"\x80\x02(" + wrapped(b"xyz") + opcodes + b"t.", TOKEN)

    found = registry.audit(value, TOKEN)

    assert any("array of joblib" in gap for gap in found.gaps)


def test_it_is_said_where_there_is_no_room_to_read_the_memory_as_opcodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.limits.PICKLE_NODES", 40_000)
    data = b"\x80\x02" + wrapped(b"N" * 60_000 + SHELL) + b"."

    found = audit(data)

    assert "cannot be held at once" in found.gaps[0]
    assert "os.system" in all_names(found)


def test_it_is_said_where_no_array_of_joblib_can_be_followed() -> None:
    value, _ = registry.decode(b"\x80\x02" + NOT_FOLLOWED["a shape that is no number"] + b".", TOKEN)

    found = registry.audit(value, TOKEN)

    assert value.codec == "pickle"
    assert any("array of joblib" in gap for gap in found.gaps)


def test_an_alignment_of_zero_is_an_alignment() -> None:
    """`read_array` asks only whether there is one, and takes the next byte for the number of those to skip."""
    key = b"\x8c\x1bnumpy_array_alignment_bytesK\x00"
    data = b"\x80\x02" + wrapped(b"\x02xxabc", more=key).replace(b"M\x06\x00\x85", b"M\x03\x00\x85", 1) + b"."

    value, _ = registry.decode(data, TOKEN)

    assert "".join(value.plain(TOKEN)) == "[97,98,99]"


def test_a_memory_within_a_frame_is_not_followed() -> None:
    """The memory is taken from the file, which is behind the frame by then."""
    opcodes = wrapped(b"abc") + b"0N."
    data = b"\x80\x04\x95" + len(opcodes).to_bytes(8, "little") + opcodes

    value, _ = registry.decode(data, TOKEN)

    assert any("array of joblib" in gap for gap in registry.audit(value, TOKEN).gaps)


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_whatever_pickle_looks_up_in_a_dump_is_named(memory: bytes, head: bytes) -> None:
    data = b"\x80\x02" + wrapped(head) + b"0" + wrapped(memory) + b"."

    found = audit(data)

    assert looked_up(data) <= all_names(found)
