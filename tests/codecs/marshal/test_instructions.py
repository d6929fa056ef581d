"""Bytecode is listed as the Python that compiled it would list it."""

import json

import pytest

from app.cancel import CancelToken
from app.codecs.marshal.instructions import instructions, names_of
from app.codecs.marshal.layouts import LAYOUTS, layout_of
from app.codecs.marshal.pyc import pyc_header
from tests import corpus
from tests.codecs.interpreters import VERSIONS, packed, run, unpacked
from tests.codecs.marshal.referee import decoded

SOURCE = """
class Shop:
    tax = 0.19
    def total(self, prices, more=()):
        found = [price * (1 + self.tax) for price in prices if price > 0]
        try:
            return sum(found, *more)
        except (TypeError, ValueError) as error:
            return error.args, {'a': found[0]}
        finally:
            print(self)
""" + "".join(f"x{number} = {number}.5\n" for number in range(300))

_COMPILE = """
import base64, json, marshal, sys
code = compile(json.load(sys.stdin), "shop.py", "exec")
print(json.dumps(base64.b64encode(marshal.dumps(code)).decode("ascii")))
"""
_NAMES = """
import json, opcode
print(json.dumps([name.replace("+", "_") for name in opcode.opname[:256]]))
"""
_DIS = """
import base64, dis, json, marshal, sys
code = marshal.loads(base64.b64decode(json.load(sys.stdin)))
print(json.dumps([[one.offset, one.opname.replace("+", "_"), one.arg] for one in dis.get_instructions(code)]))
"""


def version_of(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor)


@pytest.mark.parametrize("python", VERSIONS)
def test_names_are_those_of_the_interpreter(python: str) -> None:
    names = names_of(version_of(python))

    assert names is not None
    assert list(names) == ["" if name.startswith("<") else name for name in run(python, _NAMES, None)]


@pytest.mark.parametrize("python", [version for version in VERSIONS if version != "2.7"])
def test_offsets_names_and_arguments_are_those_of_dis(python: str) -> None:
    data = unpacked(run(python, _COMPILE, SOURCE))

    listed = list(instructions(decoded(data).graph, 0, [version_of(python)]))

    found = [(one.offset, one.name, int(one.argument.partition(" ")[0])) for one in listed]
    expected = [(offset, name, argument or 0) for offset, name, argument in run(python, _DIS, packed(data))]
    has_argument = {offset for offset, _, argument in run(python, _DIS, packed(data)) if argument is not None}
    assert [one[:2] for one in found] == [one[:2] for one in expected]
    assert [one for one in found if one[0] in has_argument] == [one for one in expected if one[0] in has_argument]


def test_arguments_say_what_they_stand_for() -> None:
    data = unpacked(run("3.11", _COMPILE, "import os\nx = os.path.join('a', 'b')\n"))

    text = decoded(data).text(10_000)

    for shown in ("IMPORT_NAME", "'os'", "LOAD_CONST", "'join'", "co_filename: 'shop.py'", "constants:"):
        assert shown in text


def test_code_of_an_unknown_version_shows_names_only_where_all_that_it_could_be_agree() -> None:
    case = corpus.value("marshal_code__py313_v4")

    value = decoded(case.read())

    assert "RESUME" in value.text(10_000)
    rows = value.opcodes(0, 1_000, CancelToken())
    assert [row.name for row in rows[:2]] == ["CODE", "STRING"]
    assert "RESUME" in [row.name for row in rows]
    assert all(row.depth >= 0 and row.size >= 0 for row in rows)


@pytest.mark.parametrize(
    ("header", "version", "size"),
    [
        ("994e0d0a 00000000", (1, 5), 8), ("87c60d0a 00000000", (2, 0), 8), ("03f30d0a 00000000", (2, 7), 8),
        ("6c0c0d0a 00000000", (3, 2), 8), ("330d0d0a 00000000 01000000", (3, 6), 12),
        ("550d0d0a 00000000 00000000 01000000", (3, 8), 16), ("2b0e0d0a 01000000 0102030405060708", (3, 14), 16),
    ],
)  # fmt: skip
def test_headers_of_all_releases_are_told_apart(header: str, version: tuple[int, int], size: int) -> None:
    data = bytes.fromhex(header.replace(" ", ""))

    found = pyc_header(data + b"N")

    assert found is not None
    assert (found.version, found.size) == (version, size)
    assert f"Python {version[0]}.{version[1]}" in found.text
    assert pyc_header(data[:-1]) is None


def test_what_is_no_header_is_none() -> None:
    for data in (b"", b"\xa7\r", b"\xa7\r\r\n", b"\x00\x00\r\n" + b"\x00" * 12, b"ab\r\ntext of two lines"):
        assert pyc_header(data) is None


def test_every_version_has_a_layout() -> None:
    assert layout_of((1, 5)) is layout_of((2, 0)) is LAYOUTS[-1]
    assert layout_of((3, 14)) is layout_of((3, 11)) is LAYOUTS[0]
    assert json.dumps([layout.title for layout in LAYOUTS])


def test_code_of_the_oldest_layouts_is_read_by_its_header() -> None:
    text = b"s\x01\x00\x00\x00x"
    empty = b"(\x00\x00\x00\x00"
    numbers = b"\x00\x00\x01\x00\x02\x00\x40\x00"
    oldest = b"c" + numbers + text + empty * 3 + text * 2 + b"\x07\x00" + text
    newer = b"c" + numbers + text + empty * 5 + text * 2 + b"\x07\x00" + text
    for header, code in (("994e0d0a00000000", oldest), ("2aeb0d0a00000000", newer)):
        data = bytes.fromhex(header) + code

        value = decoded(data)

        assert value.problems == ()
        assert value.find(".co_nlocals").text == "1"
        assert value.find(".co_firstlineno").text == "7"
        assert value.find(".co_lnotab").text == "'x'"
        assert decoded(code).problems == ()
