"""What stands where a pickle cannot be followed is named all the same, and it is said that it could not be followed."""

import contextlib
import io
import pickle
import pickletools
import struct
import zlib
from typing import Any, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs import registry
from app.codecs.findings import Audit, Risk
from app.errors import Cancelled
from tests import corpus
from tests.codecs import interpreters
from tests.codecs.pickle.test_evasions import Noting

TOKEN = CancelToken()
SHELL = b"cos\nsystem\n(U\x02idtR."
UNDERFLOW = b"\x80\x040"
REFUSALS = (pickle.UnpicklingError, AttributeError, EOFError, LookupError, OverflowError, TypeError, ValueError)
"""What the real unpickler raises for a stream that it cannot follow."""


def audit(data: bytes) -> Audit:
    return registry.audit(registry.decode(data, TOKEN)[0], TOKEN)


def alarms(data: bytes) -> set[str]:
    """Return all names that an audit tells."""
    found = audit(data)
    return {named.name for named in (*found.globals, *found.behind)}


def frame(size: int) -> bytes:
    return b"\x95" + struct.pack("<Q", size)


HIDDEN = {
    "behind an opcode that finds nothing": UNDERFLOW + SHELL,
    "behind an empty memo slot": b"\x80\x04h\x07" + SHELL,
    "made of two texts": UNDERFLOW + b"\x8c\x02os\x8c\x06system\x93.",
    "made of memoized texts": UNDERFLOW + b"\x8c\x02os\x94\x8c\x06system\x94]h\x00h\x01\x93.",
    "made of texts put by number": UNDERFLOW + b"\x8c\x02osq\x05\x8c\x06systemr\x09\0\0\0]h\x05j\x09\0\0\0\x93.",
    "made of texts before the damage": b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94001h\x00h\x01\x93.",
    "made of 8-bit strings": UNDERFLOW + b"U\x02osS'system'\n\x93.",
    "an instance": UNDERFLOW + b"(ios\nsystem\n.",
    "behind STOP": b"\x80\x04N.0" + SHELL,
    "behind the second STOP": b"\x80\x04N.\x80\x04N.0" + SHELL,
    "in a broken pickle within a compression": zlib.compress(UNDERFLOW + SHELL),
    "in a broken pickle within a pickle": pickle.dumps([zlib.compress(UNDERFLOW + SHELL)]),
    "in what is taken for a text": b"cos\nsystem\n(S'id'\nt",
}


@pytest.mark.parametrize("data", HIDDEN.values(), ids=HIDDEN)
def test_what_stands_where_a_pickle_cannot_be_followed_is_named(data: bytes) -> None:
    found = audit(data)

    assert [(named.name, named.risk) for named in found.behind] == [("os.system", Risk.DANGEROUS)]
    assert (found.globals, found.calls) == ((), ())


def test_names_before_the_damage_are_told_once() -> None:
    found = audit(b"\x80\x04cshop\nOrder\n0" + b"0" + SHELL)

    assert [named.name for named in found.globals] == ["shop.Order"]
    assert [(named.name, named.offset) for named in found.behind] == [("os.system", 16)]
    assert found.gaps == ("POP at offset 15 finds too little on the stack.",)


def test_a_name_of_other_parts_than_texts_is_called_computed() -> None:
    [named] = audit(UNDERFLOW + b"\x8c\x02osN\x93.").behind

    assert (named.name, named.risk) == ("a computed name", Risk.DANGEROUS)


def test_a_text_behind_a_pickle_names_nothing() -> None:
    assert audit(b"\x80\x04N.config file\nof the shop\n").behind == ()


def test_a_text_that_reads_as_the_name_of_an_unknown_class_names_nothing() -> None:
    assert audit(b"config\nvalue\n") == Audit()


@pytest.mark.parametrize(
    ("data", "gap"),
    [
        (b"\x80\x04]q", "The pickle ends in the middle of BINPUT (offset 3)."),
        (zlib.compress(pickle.dumps([0] * 1000))[:-9], "The zlib data ends too early."),
        (pickle.dumps([zlib.compress(UNDERFLOW)]), "[0]<content><content>: POP at offset 2 finds too little on the"),
    ],
    ids=["a pickle", "a compression", "a pickle within"],
)
def test_what_could_not_be_followed_is_said(data: bytes, gap: str) -> None:
    assert audit(data).gaps[0].startswith(gap)


@pytest.mark.parametrize("case", corpus.values("benign"), ids=corpus.name_of)
def test_sound_values_have_no_gaps(case: corpus.ValueCase) -> None:
    found = audit(case.read())

    assert (found.gaps, found.behind) == ((), ())


# ---- frames


def test_what_a_frame_hides_from_loads_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    data = b"\x80\x04" + frame(3) + b"\x8c\x03abcUN" + SHELL.ljust(ord("N"), b"x") + b"."
    reader = Noting(data)  # it reads from a file, as shelve does

    reader.load()
    found = audit(data)

    assert isinstance(pickle.loads(data), str)
    assert capsys.readouterr().out == "id\n"
    assert reader.names == ["os.system"] == [named.name for named in found.behind]
    assert (found.globals, found.calls) == ((), ())
    assert found.gaps[0].startswith("SHORT_BINUNICODE at offset 11 goes on behind the end of a frame at offset 14: ")


LOOKED_UP = """
import base64, io, json, pickle, sys
class Noting(pickle.Unpickler):
    def find_class(self, module, name):
        found.append(module + '.' + name)
        return print
found = []
sys.stdout, out = sys.stderr, sys.stdout
Noting(io.BytesIO(base64.b64decode(json.load(sys.stdin)))).load()
json.dump(found, out)
"""


@pytest.mark.parametrize(("version", "names"), [("3.7", ["os.system"]), ("3.8", [])])
def test_what_a_frame_hides_within_bytes_before_python_3_8_is_named(version: str, names: list[str]) -> None:
    data = b"\x80\x04" + frame(3) + b"C\x03abcUN" + SHELL.ljust(ord("N"), b"x") + b"."

    looked_up = interpreters.run(version, LOOKED_UP, interpreters.packed(data))

    assert looked_up == names
    assert alarms(data) == {"os.system"}


OPCODES = st.sampled_from(
    [
        *(
            b"N",
            b"0",
            b"I12\n",
            b"\x8c\x04abcd",
            b"\x8c\x02os",
            b"\x8c\x06system",
            b"X\x02\0\0\0xy",
            b"C\x01z",
            b"K\x05",
        ),
        *(b"cos\nsystem\n", b"(ishop\nOrder\n", b"\x93", b"\x94", b"h\x00", b"h\x01", b"q\x00", b"]", b")", b"R", b"."),
        *(
            b"\x95\x04\0\0\0\0\0\0\0",
            b"\x95\x07\0\0\0\0\0\0\0",
            b"\x95\x14\0\0\0\0\0\0\0",
            b"\x82\x07",
            b"2",
            b"(",
            b"t",
        ),
    ]
)


@given(st.lists(OPCODES, max_size=20))
def test_whatever_a_reader_of_files_looks_up_is_named(opcodes: list[bytes]) -> None:
    data = b"\x80\x04" + b"".join(opcodes) + b"."
    reader = Looking(io.BytesIO(data))

    with contextlib.suppress(*REFUSALS):
        reader.load()

    assert reader.names <= alarms(data)


class Looking(pickle.Unpickler):
    """Notes what is looked up, and gives a class in its place that takes anything."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.names: set[str] = set()

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        self.names.add(f"{module_name}.{global_name}")
        return Anything


class Anything:
    def __new__(cls, *_args: object) -> Self:
        return super().__new__(cls)


@given(st.lists(OPCODES, max_size=20), st.sampled_from([b"", b"\x80\x04", b"0", b"N."]))
def test_whatever_pickletools_can_read_is_named(opcodes: list[bytes], head: bytes) -> None:
    data = head + b"".join(opcodes)
    read = []
    with contextlib.suppress(ValueError):
        for code, argument, _ in pickletools.genops(data):
            read.append((code.name, str(argument)))
    value = registry.decode(data, TOKEN, "pickle")[0]
    found = value.audit(TOKEN)

    names = {named.name for named in (*found.globals, *found.behind)}

    assert {argument.replace(" ", ".") for name, argument in read if name in ("GLOBAL", "INST")} <= names


@given(st.binary(max_size=200))
def test_any_bytes_can_be_audited(data: bytes) -> None:
    for prefix in (b"", b"\x80\x04\x95\x07\0\0\0\0\0\0\0"):
        audit(prefix + data)


def test_the_scan_behind_the_damage_is_cancelled() -> None:
    token = CancelToken()
    value, _ = registry.decode(UNDERFLOW + b"N" * 100_000, token)
    token.cancel()

    with pytest.raises(Cancelled):
        value.audit(token)
