"""Hostile values end soon in the window's child process, in bounded memory, with nothing executed."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cancel import CancelToken
from app.engine.child import ChildEngine
from app.errors import AppError
from tests.engine.shelves import make_sqlite

pytestmark = pytest.mark.alone

VALUES = sorted((Path(__file__).parent.parent / "data" / "values").glob("hostile_*.???"))
VALUES = [path for path in VALUES if path.suffix in {".pkl", ".mar"}]
SECONDS = 2.0
MEMORY = 1 << 30
TOKEN = CancelToken()


@pytest.fixture(scope="module")
def marker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file that an executed value would create; the child inherits its name."""
    path = tmp_path_factory.mktemp("marker") / "pwned"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PWNED_MARKER", str(path))
        yield path


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, marker: Path) -> Iterator[ChildEngine]:
    entries = {path.name.encode(): path.read_bytes() for path in VALUES}
    made = ChildEngine()
    made.open(str(make_sqlite(tmp_path_factory.mktemp("hostile") / "hostile.db", entries)), TOKEN)
    list(made.index(TOKEN))
    yield made
    made.close()
    assert not marker.exists()


def peak_memory(engine: ChildEngine) -> int:
    """Return the most bytes that the child ever had resident, or 0 where the system does not tell."""
    status = Path(f"/proc/{engine.process_id}/status")
    if not status.exists():
        return 0
    [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def look_at(engine: ChildEngine, entry_id: int) -> None:
    """Do all that the window and an export do with a value."""
    info = engine.decode(entry_id, TOKEN)
    engine.rows(entry_id, info.root.node, 0, 200, TOKEN)
    engine.text(entry_id, 100_000, TOKEN)
    engine.summaries([entry_id], TOKEN)


@pytest.mark.parametrize("entry_id", range(len(VALUES)), ids=[path.stem for path in VALUES])
def test_a_hostile_value_is_looked_at(engine: ChildEngine, marker: Path, entry_id: int) -> None:
    process_id = engine.process_id
    started = time.monotonic()

    look_at(engine, entry_id)

    assert time.monotonic() - started < SECONDS
    assert engine.process_id == process_id, "the child died of it"
    assert not marker.exists()


@pytest.mark.parametrize("entry_id", range(len(VALUES)), ids=[path.stem for path in VALUES])
def test_a_hostile_value_is_exported(engine: ChildEngine, marker: Path, entry_id: int) -> None:
    process_id = engine.process_id
    started = time.monotonic()

    with contextlib.suppress(AppError):
        engine.plain(entry_id, "", TOKEN)

    assert time.monotonic() - started < SECONDS
    assert engine.process_id == process_id, "the child died of it"
    assert peak_memory(engine) < MEMORY
    assert not marker.exists()
