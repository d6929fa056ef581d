"""Objects that only loading makes wrappers of joblib: behind their state joblib reads on at another place."""

import pytest

from app.cancel import CancelToken
from app.codecs import registry
from app.codecs.findings import Audit, Risk
from app.codecs.pickle import joblib_memory
from app.codecs.pickle.machine import run_past
from app.codecs.pickle.stream import BehindBuild, Stream
from tests.codecs.pickle.test_joblib_audit import DUMPS, WRAPPER, dump, wrapped

TOKEN = CancelToken()
CLASS = b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n"
NEW = b")\x81"
STATE = wrapped(b"\0" * 9).removeprefix(CLASS + NEW)[:-10]
"""The state of a wrapper of 9 bytes, which joblib takes to be the head of the BINBYTES8 that follows."""

SHELL = b"\x8c\x02os\x8c\x06system\x93\x8c\x04echo\x85R."
HIDDEN = b"\x8e" + len(SHELL).to_bytes(8, "little") + SHELL
REST = b"b" + HIDDEN + b"0N."
SET_CLASS = b"}\x8c\x09__class__" + CLASS + b"s"
METHOD = b"\x8c\x13joblib.numpy_pickle\x8c\x19NumpyArrayWrapper.__new__\x93"
ESCAPED = b"Vjoblib.numpy_pickle\nVNumpyArrayWrapp\\u0065r\n\x93"

LOOSE = {
    "an array of pandas that is given the class": b"cpandas.arrays\nBooleanArray\n)\x81" + STATE + SET_CLASS + b"\x86",
    "a namespace that is given the class": b"cargparse\nNamespace\n)\x81" + STATE + SET_CLASS + b"\x86",
    "a wrapper of old that is given the class": CLASS.replace(b"Numpy", b"ND") + NEW + STATE + SET_CLASS + b"\x86",
    "a copy": b"ccopy\ncopy\n" + CLASS + NEW + b"\x85R" + STATE,
    "what its own method makes": METHOD + CLASS + b"\x85R" + STATE,
    "a name over another module": b"\x8c\x0djoblib.memory\x8c\x1enumpy_pickle.NumpyArrayWrapper\x93" + NEW + STATE,
    "a name in an escape": b"ccopy\ncopy\n" + ESCAPED + NEW + b"\x85R" + STATE,
    "one from the memo": CLASS + NEW + b"\x940h\x00" + STATE,
    "a changed class": CLASS + b"N}\x8c\x04readK\x01s\x86b0" + CLASS + NEW + STATE,
    "one by a function that is not known": b"capp_of_mine\nmake\n" + CLASS + b"\x85R" + STATE,
}


def audit(data: bytes) -> Audit:
    return registry.audit(registry.decode(data, TOKEN)[0], TOKEN)


def is_told(found: Audit) -> bool:
    gap = any("what joblib would read" in each for each in found.gaps)
    names = {named.name for named in (*found.globals, *found.behind) if named.risk is Risk.DANGEROUS}
    return gap and "os.system" in names


@pytest.mark.parametrize("opcodes", LOOSE.values(), ids=LOOSE)
def test_what_joblib_would_read_behind_a_loose_wrapper_is_told(opcodes: bytes) -> None:
    found = audit(b"\x80\x04" + opcodes + REST)

    assert is_told(found)
    assert not any(named.risk is Risk.HARMLESS for named in found.globals if named.name == WRAPPER)


@pytest.mark.parametrize("opcodes", LOOSE.values(), ids=LOOSE)
def test_a_loose_wrapper_is_told_in_a_dump_with_arrays_that_are_followed(opcodes: bytes) -> None:
    data = b"\x80\x04" + wrapped(b"xyz") + b"\x940" + opcodes.replace(b"h\x00", b"h\x01") + REST

    value, _ = registry.decode(data, TOKEN)

    assert value.codec == "joblib"
    assert is_told(registry.audit(value, TOKEN))


@pytest.mark.parametrize("before", range(0, 300, 37))
@pytest.mark.parametrize("carrier", [b"\x8d", b"\x8e"], ids=["a text", "bytes"])
def test_names_are_found_wherever_in_a_payload_they_begin(before: int, carrier: bytes) -> None:
    payload = b"N" * before + b"\x01" + SHELL
    hidden = carrier + len(payload).to_bytes(8, "little") + payload.replace(b"\x93", b"\x13")
    wrong = b"\x80\x04" + LOOSE["a copy"] + b"b" + hidden + b"0N."
    data = b"\x80\x04" + LOOSE["a copy"] + b"b\x8e" + hidden[1:9] + payload + b"0N."

    assert is_told(audit(data))
    assert not is_told(audit(wrong))


@pytest.mark.parametrize(
    "state",
    [
        b"}\x8c\x09__class__cargparse\nAction\ns",
        b"N}\x8c\x09__class__cargparse\nAction\ns\x86",
        b"N}U\x09__class__cargparse\nAction\ns\x86",
        b"Nccollections\nOrderedDict\n)R\x8c\x09__class__cargparse\nAction\ns\x86",
    ],
    ids=["in a dict", "among slots", "as an 8-bit string", "in an ordered dict"],
)
def test_a_state_that_sets_the_class_is_dangerous(state: bytes) -> None:
    data = b"\x80\x04cargparse\nNamespace\n)\x81" + state + b"b."

    [call] = [call for call in audit(data).calls if call.risk is Risk.DANGEROUS]

    assert call.callable == "argparse.Namespace.__class__"
    assert data[call.offset] == ord("b")


def test_a_state_with_a_text_that_tells_of_a_class_is_none_that_sets_it() -> None:
    data = b"\x80\x04cargparse\nNamespace\n)\x81}\x8c\x04name\x8c\x09__class__sb."

    found = audit(data)

    assert not any(call.risk is Risk.DANGEROUS for call in found.calls)


def test_a_wrapper_of_a_type_that_is_not_known_is_neither_harmless_nor_an_alarm() -> None:
    found = audit(b"\x80\x04" + wrapped(b"abc", b"x1") + b"\x94h\x00.")

    assert {named.risk for named in found.globals if named.name == WRAPPER} == {Risk.UNKNOWN}
    assert any("what joblib would read" in gap for gap in found.gaps)


@pytest.mark.parametrize("name", DUMPS)
def test_wrappers_as_joblib_writes_them_are_harmless(name: str) -> None:
    found = audit(dump(name))

    assert {named.risk for named in found.globals if named.name == WRAPPER} == {Risk.HARMLESS}
    assert not found.gaps


def test_taking_a_dump_apart_goes_once_over_its_opcodes_and_over_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    runs, builds = [], []

    def counted(data: bytes, token: CancelToken, behind_build: BehindBuild) -> Stream:
        def noted(stream: Stream, target: int, place: int) -> int:
            builds.append(place)
            return behind_build(stream, target, place)

        runs.append(run_past(data, token, noted))
        return runs[-1]

    monkeypatch.setattr(joblib_memory, "run_past", counted)
    count = 3_000
    data = b"\x80\x04(" + wrapped(b"N}b" * 20) * count + b"t."

    mixed = joblib_memory.Mixed(data, TOKEN)

    assert [array.memory for array in mixed.arrays] == [b"N}b" * 20] * count
    assert mixed.gap == ""
    assert len(runs) == 1
    assert runs[0].stop == len(data)
    assert len(set(builds)) == len(builds) < 3 * count  # those of the dtypes and of the wrappers


def test_an_object_that_is_a_wrapper_and_given_no_state_but_items_is_told() -> None:
    changed = wrapped(b"")[:-1] + b"0" + CLASS + NEW + b"\x8c\x01aK\x01s"

    mixed = joblib_memory.Mixed(b"\x80\x04(" + wrapped(b"abc") + changed + b"t.", TOKEN)

    assert mixed.gap == joblib_memory.NOT_FOLLOWED


@pytest.mark.parametrize("size", [4000, 4096, 40_000, 300_000])
def test_an_array_behind_many_opcodes_is_found(size: int) -> None:
    between = b"\x8e" + size.to_bytes(8, "little") + b"N" * size + b"N" * size
    data = b"\x80\x04(" + wrapped(b"abc") + between + wrapped(b"defg") + between + b"t."

    mixed = joblib_memory.Mixed(data, TOKEN)

    assert [array.memory for array in mixed.arrays] == [b"abc", b"defg"]
    assert mixed.opcodes == data.replace(b"babc", b"b").replace(b"bdefg", b"b")
    assert mixed.gap == ""
