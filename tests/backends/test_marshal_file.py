"""Files of marshal values, and compiled modules, are databases that can be read, saved, made and salvaged."""

import marshal
import py_compile
import struct
from pathlib import Path
from typing import Any

import pytest

from app.backends.base import Backend, Insert, Remove, Replace
from app.backends.marshal_file.backend import MarshalFileBackend
from app.backends.marshal_file.salvage import salvage_marshal_file
from app.backends.marshal_file.write import MarshalFileWriter
from app.backends.records import SelectedRecords
from app.backends.registry import new_writer, open_database, recognise
from app.backends.salvage import Salvage
from app.backends.writer import CreateOptions
from app.cancel import CancelToken
from app.codecs.edits import ReplaceNode, Written
from app.codecs.registry import VALUE_ENDS, decode
from app.errors import ChangedOnDisk, KeyRejected, OptionRejected, ReadOnlyDatabase, StaleIndex
from tests import corpus
from tests.backends import rewriting
from tests.backends.listing import entries_of, expected_of, index_of
from tests.backends.toy_format import PairRecords
from tests.codecs.interpreters import VERSIONS, interpreter, run

OBJECTS: list[Any] = [{"a": [1, 2]}, ("x", 2.5), None, "text", list(range(5000))]
VALUES = [marshal.dumps(value) for value in OBJECTS]
NEW = marshal.dumps({"new": b"bytes"})
MARSHAL_END = VALUE_ENDS["marshal"]
CHANGES = (Replace(0, NEW), Remove(2), Insert(b"4", NEW))
AFTER = [NEW, VALUES[1], *VALUES[3:], NEW]


def made(folder: Path, values: list[bytes] = VALUES) -> Path:
    path = folder / "values.marshal"
    path.write_bytes(b"".join(values))
    return path


def opened(path: Path) -> Backend:
    return open_database(path, VALUE_ENDS)


def loaded(path: Path) -> list[object]:
    """Return what Python reads from a file that we wrote ourselves."""
    objects = []
    with path.open("rb") as file:
        while file.tell() < path.stat().st_size:
            objects.append(marshal.load(file))
    return objects


def numbered(values: list[bytes]) -> list[rewriting.Pair]:
    return [(b"%d" % number, value) for number, value in enumerate(values)]


def test_values_in_a_row_are_entries_by_number(tmp_path: Path) -> None:
    path = made(tmp_path)

    with opened(path) as backend:
        assert backend.format_id == "marshal-file"
        assert backend.match.reason.startswith("the name ends in .marshal, and a marshal value ends at byte ")
        assert entries_of(backend) == numbered(VALUES)
        assert backend.problems == []
        assert list(backend.check(CancelToken())) == []


@pytest.mark.parametrize("case", corpus.values("marshal"), ids=corpus.name_of)
def test_every_file_of_the_corpus_is_one_entry_and_stays_so(case: corpus.ValueCase, tmp_path: Path) -> None:
    path = tmp_path / case.path.name
    path.write_bytes(case.read())

    with opened(path) as backend:
        assert entries_of(backend) == [(b"0", case.read())]
        rewriting.compact(backend)

    assert path.read_bytes() == case.read()


@pytest.mark.parametrize("case", corpus.values("hostile-marshal"), ids=corpus.name_of)
def test_hostile_files_are_read_or_refused_with_a_sentence(case: corpus.ValueCase, tmp_path: Path) -> None:
    path = tmp_path / case.path.name
    path.write_bytes(case.read())
    if not case.read():
        return

    with opened(path) as backend:
        entries = entries_of(backend)
        problems = backend.problems

    assert b"".join(value for _, value in entries) == case.read()
    assert all(problem.message.endswith(".") for problem in problems)


@pytest.mark.parametrize("python", VERSIONS)
def test_a_compiled_module_is_one_entry_whose_constants_can_be_edited(python: str, tmp_path: Path) -> None:
    if interpreter(python) is None:
        pytest.skip(f"Python {python} is not installed by pyenv.")
    (tmp_path / "shop.py").write_text("TITLE = 'before'\ndef total(price, tax=7):\n    return price * tax\n")
    path = tmp_path / "shop.pyc"
    run(python, _COMPILE, [str(tmp_path / "shop.py"), str(path)])

    with opened(path) as backend:
        [(key, data)] = entries_of(backend)
        value, reason = decode(data, CancelToken())
        place = next(row.step for row in value.rows(value.find(".co_consts").node, 0, 9) if "before" in row.text)
        new = value.edit(ReplaceNode(f".co_consts{place}", Written("'after'")), CancelToken())
        rewriting.save(backend, Replace(0, new))

    assert key == b"0"
    assert f"Python {python}" in reason
    assert f"Python {python}" in value.find("<header>").text
    assert "LOAD_CONST" in value.text(100_000)
    assert "STORE_NAME" in value.text(100_000)
    assert path.read_bytes()[:16] == data[:16]
    assert run(python, _RUN, str(path)) == ["after", 21]


_COMPILE = """
import json, py_compile, sys
source, target = json.load(sys.stdin)
py_compile.compile(source, target, doraise=True)
print("null")
"""
_RUN = """
import json, sys
name = str(json.load(sys.stdin))
if sys.version_info[0] == 2:
    import imp
    module = imp.load_compiled("shop", name)
else:
    from importlib.machinery import SourcelessFileLoader
    import types
    module = types.ModuleType("shop")
    SourcelessFileLoader("shop", name).exec_module(module)
print(json.dumps([module.TITLE, module.total(3)]))
"""


def test_a_save_changes_what_it_names_and_no_other_byte(tmp_path: Path) -> None:
    path = made(tmp_path)

    with opened(path) as backend:
        rewriting.save(backend, *CHANGES)

    assert path.read_bytes() == b"".join(AFTER)
    assert loaded(path)[-1] == {"new": b"bytes"}


def test_a_save_that_dies_or_fails_anywhere_leaves_the_old_or_the_new_file(tmp_path: Path) -> None:
    (tmp_path / "dies").mkdir()
    (tmp_path / "fails").mkdir()

    states = {path.read_bytes() for _, path in rewriting.states_after_death(made, opened, CHANGES, tmp_path / "dies")}

    assert states == {b"".join(VALUES), b"".join(AFTER)}
    rewriting.check_every_failure(made, opened, CHANGES, tmp_path / "fails")


@pytest.mark.parametrize("value", [b"", b"no marshal", NEW[:-1], NEW + NEW], ids=["empty", "text", "cut", "two"])
def test_a_value_that_is_not_exactly_one_is_rejected_by_name(tmp_path: Path, value: bytes) -> None:
    path = made(tmp_path)

    with opened(path) as backend, pytest.raises(KeyRejected, match=r"'1' cannot.*one marshal value"):
        rewriting.save(backend, Replace(1, value))
    with opened(path) as backend, pytest.raises(KeyRejected, match=r"'5' cannot.*one marshal value"):
        rewriting.save(backend, Insert(b"5", value))

    assert path.read_bytes() == b"".join(VALUES)


@pytest.mark.parametrize("key", [b"9", b"name", b"", b"05"])
def test_a_key_that_is_not_the_next_number_is_rejected_by_name(tmp_path: Path, key: bytes) -> None:
    with opened(made(tmp_path)) as backend, pytest.raises(KeyRejected, match=r"next.*'5'"):
        rewriting.save(backend, Insert(key, NEW))


def test_a_number_that_another_program_gave_away_is_a_conflict(tmp_path: Path) -> None:
    path = made(tmp_path)
    with opened(path) as backend:
        expected = expected_of(backend)
        made(tmp_path, [*VALUES, NEW])

        with pytest.raises(ChangedOnDisk, match="'5' differs"):
            backend.apply([Insert(b"5", VALUES[0])], expected, rewriting.NO_BACKUP, CancelToken())


def test_a_changed_file_is_read_again_before_it_is_believed(tmp_path: Path) -> None:
    path = made(tmp_path)
    with opened(path) as backend:
        entry = index_of(backend).entry(1)
        path.write_bytes(NEW * 3)

        with pytest.raises(StaleIndex):
            backend.read(*entry)


def test_what_follows_the_last_value_is_shown_and_not_rewritten(tmp_path: Path) -> None:
    path = made(tmp_path, [NEW, b"\x01rest"])

    with opened(path) as backend:
        assert entries_of(backend) == [(b"0", NEW), (b"1", b"\x01rest")]
        assert [problem.offset for problem in backend.problems] == [len(NEW)]
        with pytest.raises(ReadOnlyDatabase, match="salvage"):
            rewriting.save(backend, Replace(0, VALUES[0]))


def test_new_files_are_read_by_python(tmp_path: Path) -> None:
    path = tmp_path / "new.marshal"

    rewriting.create(new_writer("marshal-file", CreateOptions(), VALUE_ENDS), path, numbered(VALUES))

    assert loaded(path) == OBJECTS
    assert recognise(path, VALUE_ENDS).format_id == "marshal-file"


def test_what_is_no_row_of_values_is_refused_and_the_rest_fits() -> None:
    writer = MarshalFileWriter(MarshalFileBackend, MARSHAL_END)
    records = PairRecords([(b"0", NEW), (b"name", NEW), (b"1", b"text"), (b"1", NEW)])

    refusals = list(writer.refusals(records, CancelToken()))

    assert [refusal.row for refusal in refusals] == [1, 2]
    assert "the next number is 1" in refusals[0].reason
    assert "exactly one marshal value" in refusals[1].reason
    rest = SelectedRecords(records, [refusal.row for refusal in refusals])
    assert list(writer.refusals(rest, CancelToken())) == []


def test_an_empty_file_is_not_made_and_no_option_means_anything(tmp_path: Path) -> None:
    with pytest.raises(KeyRejected, match="cannot be empty"):
        rewriting.create(MarshalFileWriter(MarshalFileBackend, MARSHAL_END), tmp_path / "new.marshal", [])
    with pytest.raises(OptionRejected, match="no byte order"):
        new_writer("marshal-file", CreateOptions(byte_order="little"), VALUE_ENDS)

    assert not list(tmp_path.iterdir())


def test_a_salvage_gives_the_values_before_the_damage_and_says_where_it_is(tmp_path: Path) -> None:
    path = made(tmp_path, [*VALUES[:2], b"\x01\x02", *VALUES[2:]])
    said: list[tuple[str, int | None]] = []
    salvage = Salvage(
        path, path, False, VALUE_ENDS["pickle"], lambda *told: said.append(told), CancelToken(), MARSHAL_END
    )

    found = list(salvage_marshal_file(salvage))

    assert [(one.key, one.value) for one in found] == numbered(VALUES[:2])
    assert [offset for _, offset in said] == [len(VALUES[0] + VALUES[1])]


def test_without_knowledge_of_values_the_file_is_one_entry(tmp_path: Path) -> None:
    path = tmp_path / "module.pyc"
    path.write_bytes(struct.pack("<HHIII", 3495, 0x0A0D, 0, 0, 0) + NEW)

    with open_database(path) as backend:
        assert entries_of(backend) == [(b"0", path.read_bytes())]
        assert "no whole marshal value" in backend.problems[0].message


def test_the_module_of_this_python_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    path = Path(py_compile.compile(str(tmp_path / "a.py"), str(tmp_path / "a.pyc"), doraise=True) or "")

    match = recognise(path, VALUE_ENDS)

    assert (match.format_id, match.unsupported) == ("marshal-file", "")
    assert match.variant.startswith("pyc, magic ")
