"""Copies that are laid out as the database they come from."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.cancel import CancelToken
from app.engine.base import Info, NewDatabase
from app.engine.local import LocalEngine

CASES = [
    "gdbm-x86_64-1.23-n150-512-numsync",
    "gdbm-off32-1.8.3-n150-512-BE",
    "bdb53-hash-n150-512-BE",
    "bdb53-btree-n150-512-BE",
    "ndbm-sdbm-n150-s390x",
]


def opened(path: Path) -> Info:
    engine = LocalEngine()
    try:
        return engine.open(str(path), CancelToken())
    finally:
        engine.close()


def copied(source: Path, target: NewDatabase) -> Info:
    engine = LocalEngine()
    try:
        engine.open(str(source), CancelToken())
        engine.convert(target, (), CancelToken(), leaves_out=False)
    finally:
        engine.close()
    return opened(Path(target.path))


@pytest.mark.parametrize("name", CASES)
def test_a_copy_in_the_same_format_keeps_the_layout(
    database_case: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    source = database_case(name)
    known = opened(source)

    copy = copied(source, NewDatabase(str(tmp_path / "copy"), known.format, keeps_layout=True))
    plain = copied(source, NewDatabase(str(tmp_path / "plain"), known.format))

    assert (copy.format, copy.variant, copy.byte_order) == (known.format, known.variant, known.byte_order)
    assert (plain.variant, plain.byte_order) != (known.variant, known.byte_order)


def test_another_format_takes_its_own_layout(database_case: Callable[[str], Path], tmp_path: Path) -> None:
    source = database_case("gdbm-off32-1.8.3-n150-512-BE")

    copy = copied(source, NewDatabase(str(tmp_path / "copy"), "bdb-hash", keeps_layout=True))

    assert (copy.format, copy.byte_order) == ("bdb-hash", "little")
