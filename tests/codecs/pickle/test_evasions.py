"""What hides from an audit: names given as Python 2's strings or computed, indexes in odd spellings, cut opcodes."""

import io
import pickle
from typing import Any

import pytest

from app.cancel import CancelToken
from app.codecs.findings import Audit, Query, Risk
from app.codecs.pickle.codec import PickleCodec

CALL = b"(U\x02idtR."
HIDDEN = {
    "a function whose state is set": b"cos\nsystem\nNb" + CALL,
    "8-bit strings": b"\x80\x04U\x02osU\x06system\x93" + CALL,
    "strings in lines": b"\x80\x04S'os'\nS'system'\n\x93" + CALL,
    "a NUL behind the index": b"Np1\x00\n0cos\nsystem\n" + CALL,
    "blanks, a sign and underscores": b"Np\t +0_0\x0b\n0cos\nsystem\n" + CALL,
    "many blanks": b"Np" + b" " * 90 + b"1\n0g1\n0cos\nsystem\n" + CALL,
    "minus zero": b"Np-0\n0g-0\n0cos\nsystem\n" + CALL,
}
HEADS = (b"", b"]", b"}", b"N", b"(", b")", b"cos\nsystem\n", b"X\1\0\0\0a")
CUTS = (
    *(b"\x80", b"\x95\x01", b"q", b"r\x01", b"p1", b"h", b"j\x01", b"g", b"i", b"ia\nb\n", b"(ia\n", b"c", b"ca\n"),
    *(b"P", b"F", b"I", b"\x8a", b"\x8a\x05a", b"\x8b", b"\x84\x01", b"R", b"\x81", b"\x92", b"o", b"b", b"a", b"s"),
    *(b"u", b"e", b"\x90", b"\x93", b"Q", b"\x94", b"\x98", b"\xff"),
)


def audited(data: bytes) -> Audit:
    return PickleCodec().decode(data, CancelToken()).audit(CancelToken())


class Noting(pickle.Unpickler):
    """Notes what is looked up, and gives a harmless function in its place."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.names: list[str] = []

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        self.names.append(f"{module_name}.{global_name}")
        return print


@pytest.mark.parametrize("data", HIDDEN.values(), ids=HIDDEN)
def test_what_python_calls_is_told(data: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    python = Noting(data)

    python.load()
    audit = audited(data)

    assert capsys.readouterr().out == "id\n"
    assert python.names == ["os.system"] == [named.name for named in audit.globals]
    assert (audit.calls[-1].callable, audit.calls[-1].risk) == ("os.system", Risk.DANGEROUS)


def test_a_name_that_is_computed_is_dangerous() -> None:
    data = b"\x80\x04cbuiltins\nstr\n(\x8c\x02ostR\x8c\x06system\x93" + CALL

    audit = audited(data)

    assert (audit.globals[-1].name, audit.globals[-1].risk) == ("a computed name", Risk.DANGEROUS)
    assert audit.calls[-1].risk is Risk.DANGEROUS


@pytest.mark.parametrize("index", [b"-1", b"+-1", b"1 1", b"x", b"", b"1__0", b"_1", b"99999999999999999999999"])
def test_no_index_is_read_where_python_reads_none(index: bytes) -> None:
    data = b"Np" + index + b"\n."

    problems = PickleCodec().decode(data, CancelToken()).problems

    assert problems[0] == "PUT at offset 1 names no memo slot."
    with pytest.raises((ValueError, OverflowError, pickle.UnpicklingError)):
        pickle.loads(data)


@pytest.mark.parametrize("cut", CUTS, ids=repr)
@pytest.mark.parametrize("head", HEADS, ids=repr)
def test_an_opcode_that_cannot_be_followed_ends_audit_listing_and_search(head: bytes, cut: bytes) -> None:
    value = PickleCodec().decode(head + cut, CancelToken())

    rows = value.opcodes(0, 100, CancelToken())

    assert rows[-1].offset <= len(head + cut)
    assert value.audit(CancelToken()).more == 0
    assert len(list(value.search(Query("nowhere"), CancelToken()))) == 0
