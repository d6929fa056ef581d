"""What a value would name as a pickle is told, whatever it is shown as: shelve and pickle.load ask no codec."""

import marshal
import pickle
import zlib

import pytest

from app.cancel import CancelToken
from app.codecs import registry
from app.codecs.findings import Audit, Risk
from tests import corpus
from tests.codecs.pickle.test_evasions import Noting

TOKEN = CancelToken()
CUT = b"cos\nsystem\n(S'id'\ntR"
CALLED = CUT + b"\xff"
SOUND = pickle.dumps({"a": 1}, 4)


def audit(data: bytes) -> Audit:
    return registry.audit(registry.decode(data, TOKEN)[0], TOKEN)


def told(found: Audit) -> list[tuple[str, Risk]]:
    return [(named.name, named.risk) for named in (*found.globals, *found.behind)]


SHOWN_AS_ANOTHER = {
    "a header": (CALLED + SOUND, "header"),
    "a line, JSON and a pickle": (CUT + b'\n{"a":1}\n' + SOUND, "header"),
    "a header without a pickle's first byte": (CUT + b"\x80" + SOUND, "header"),
    "raw": (CALLED + b"\x00\x01", "raw"),
}


@pytest.mark.parametrize(("data", "codec"), SHOWN_AS_ANOTHER.values(), ids=SHOWN_AS_ANOTHER)
def test_what_python_calls_before_it_refuses_the_rest_is_named(
    data: bytes, codec: str, capsys: pytest.CaptureFixture[str]
) -> None:
    python = Noting(data)

    with pytest.raises((pickle.UnpicklingError, EOFError, ValueError)):
        python.load()
    found = audit(data)

    assert capsys.readouterr().out == "id\n"
    assert registry.decode(data, TOKEN)[0].codec == codec
    assert python.names == ["os.system"]
    assert told(found) == [("os.system", Risk.DANGEROUS)]


INSIDE = {
    "a compression": (zlib.compress(CUT), "<content>"),
    "behind a compression": (zlib.compress(SOUND) + CUT, "<after>"),
    "behind marshal": (marshal.dumps({"a": 1}) + CUT + b".", ""),
}


@pytest.mark.parametrize(("data", "path"), INSIDE.values(), ids=INSIDE)
def test_what_a_part_would_name_as_a_pickle_is_told_with_its_path(data: bytes, path: str) -> None:
    found = audit(data)

    assert told(found) == [("os.system", Risk.DANGEROUS)]
    assert (*found.globals, *found.behind)[0].path.startswith(path)


def test_a_name_is_told_once() -> None:
    whole = pickle.dumps(1) + zlib.compress(CUT + b".")

    found = audit(b"\x80\x04" + CUT + b"." + zlib.compress(CUT + b"."))

    assert told(audit(whole)) == [("os.system", Risk.DANGEROUS)]
    assert found.behind == ()
    assert [(named.name, named.path) for named in found.globals] == [
        ("os.system", "<before>"),
        ("os.system", "<content><content>"),
    ]


@pytest.mark.parametrize("head", [b"\x93\x00\x00\x00", b"K\x93\x00\x00", b"\x94\x93\x00\x00"])
def test_a_length_before_a_pickle_that_reads_as_an_opcode_names_nothing(head: bytes) -> None:
    assert audit(head + SOUND) == Audit()


@pytest.mark.parametrize("case", corpus.values("benign"), ids=corpus.name_of)
def test_sound_values_name_nothing_else(case: corpus.ValueCase) -> None:
    assert audit(case.read()).behind == ()


def test_the_state_of_a_record_is_read_with_the_memo_of_its_class_too(capsys: pytest.CaptureFixture[str]) -> None:
    """ZODB loads both by one unpickler, for which the numbers of MEMOIZE go on."""
    meta = b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x86N\x86."
    state = b"\x80\x04\x8c\x06shop.a\x94\x8c\x05Order\x94h\x00h\x01\x93(\x8c\x02idtR."
    python = Noting(meta + state)

    python.load()
    python.load()
    found = audit(meta + state)

    assert capsys.readouterr().out == "id\n"
    assert python.names == ["os.system"]
    assert [named.name for named in found.globals] == ["shop.a.Order", "os.system"]
    assert [(call.callable, call.path) for call in found.calls][-1] == ("os.system", "<pickle 2>")
