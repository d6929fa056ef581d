"""The committed files under ``tests/data``: which there are, and what reading each must give."""

import json
import shutil
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

DATA = Path(__file__).parent / "data"
DATABASES = DATA / "databases"
VALUES = DATA / "values"

INLINE_BYTES = 1024
"""Longer values are given by their digest only."""


WITHOUT_A_TRACE = frozenset(
    {
        "corrupt-bdb-v4.2.52.5-btree-mid-noise",
        "corrupt-bdb53-btree-mid-1024-BE-noise",
        "corrupt-bdb53-btree-mid-4096-noise",
    }
)
"""Damaged cases whose noise lies within values: without checksums nothing tells."""


@dataclass(frozen=True, slots=True)
class Digest:
    """A value too long to be written out: its length in bytes and its SHA-256 in hex."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ExpectedEntry:
    """One entry that a reader must list."""

    key: bytes
    value: bytes | Digest

    @property
    def size(self) -> int:
        return self.value.size if isinstance(self.value, Digest) else len(self.value)

    def matches(self, key: bytes, value: bytes) -> bool:
        return self == expected_entry(key, value)


@dataclass(frozen=True, slots=True)
class DatabaseCase:
    """One folder of ``tests/data/databases``.

    ``format`` is None for what is no database at all, ``count`` and ``original_count`` are None where the
    case does not say, ``entries`` is empty where only digests of pairs are known (damaged files).
    ``reprs`` are what the writer's Python printed for the stored objects of a shelf.
    """

    name: str
    format: str | None
    variant: str
    files: tuple[str, ...]
    open: str
    corrupt: bool
    detect_only: bool
    shelf: bool
    ordered: bool
    duplicates: bool
    byte_order: Literal["little", "big"] | None
    count: int | None
    original_count: int | None
    entries: tuple[ExpectedEntry, ...]
    pair_digests: frozenset[str]
    pickle_protocol: int | None
    reprs: dict[bytes, str]
    damage: str

    @property
    def folder(self) -> Path:
        return DATABASES / self.name

    def copy_to(self, folder: Path) -> Path:
        """Copy the files (not ``expect.json``) and return the one that the program is given."""
        for name in self.files:
            shutil.copy2(self.folder / name, folder / name)
        return folder / self.open

    def knows(self, key: bytes, value: bytes) -> bool:
        """Tell whether the undamaged original held that pair."""
        return pair_digest(key, value) in self.pair_digests


@dataclass(frozen=True, slots=True)
class ValueCase:
    """One value of ``tests/data/values`` and its sidecar.

    ``expect`` is the tree that the writer saw, None for hostile values; ``sidecar`` is the whole JSON object.
    """

    name: str
    path: Path
    kind: Literal["benign", "hostile", "marshal", "hostile-marshal"]
    expect: dict[str, Any] | None
    sidecar: dict[str, Any]

    def read(self) -> bytes:
        return self.path.read_bytes()


def expected_entry(key: bytes, value: bytes) -> ExpectedEntry:
    """Return what the corpus would say of an entry; for comparing what a reader returned."""
    if len(value) <= INLINE_BYTES:
        return ExpectedEntry(key, value)
    return ExpectedEntry(key, Digest(len(value), sha256(value).hexdigest()))


def pair_digest(key: bytes, value: bytes) -> str:
    """Return the digest that damaged cases list their pairs by."""
    shown = value if len(value) <= INLINE_BYTES else sha256(value).hexdigest().encode()
    return sha256(len(key).to_bytes(4, "big") + key + shown).hexdigest()[:12]


@cache
def database(name: str) -> DatabaseCase:
    """Return the expectations of one database case."""
    raw = _load(DATABASES / name / "expect.json")
    return DatabaseCase(
        name=name,
        format=raw["format"],
        variant=raw.get("variant", ""),
        files=tuple(raw["files"]),
        open=raw["open"],
        corrupt=raw["corrupt"],
        detect_only=raw.get("detect_only", False),
        shelf=raw.get("shelve", False),
        ordered=raw.get("ordered", False),
        duplicates=raw.get("duplicates", False),
        byte_order=raw.get("endian"),
        count=raw.get("count"),
        original_count=raw.get("original_count"),
        entries=tuple(ExpectedEntry(b64decode(key), _value(value)) for key, value in raw.get("entries", ())),
        pair_digests=frozenset(raw.get("pair_digests", ())),
        pickle_protocol=raw.get("pickle_protocol"),
        reprs={b64decode(key): text for key, text in raw.get("reprs", {}).items()},
        damage=raw.get("damage", ""),
    )


def databases(*formats: str, corrupt: bool | None = None) -> tuple[DatabaseCase, ...]:
    """Return the cases of some formats (of all when none is named), intact, damaged or both, by name."""
    return tuple(
        case
        for case in map(database, _database_names())
        if (not formats or case.format in formats) and corrupt in (None, case.corrupt)
    )


@cache
def value(name: str) -> ValueCase:
    """Return one value case by its name, which is the file's without suffix."""
    raw = _load(VALUES / f"{name}.json")
    return ValueCase(name, VALUES / raw["file"], raw["kind"], raw.get("expect"), raw)


def values(*kinds: str) -> tuple[ValueCase, ...]:
    """Return the value cases of some kinds (of all when none is named), by name."""
    return tuple(case for case in map(value, _value_names()) if not kinds or case.kind in kinds)


def name_of(case: DatabaseCase | ValueCase) -> str:
    """Return a case's name; for ``ids=`` of ``pytest.mark.parametrize``."""
    return case.name


def in_order_of(case: DatabaseCase) -> Callable[[list[ExpectedEntry]], list[ExpectedEntry]]:
    """Return ``list`` where the case promises file order, else a sort: apply it to both sides of a comparison."""
    return list if case.ordered else lambda entries: sorted(entries, key=_sort_key)


def _sort_key(entry: ExpectedEntry) -> tuple[bytes, str]:
    return entry.key, repr(entry.value)


def _value(raw: str | dict[str, Any]) -> bytes | Digest:
    return b64decode(raw) if isinstance(raw, str) else Digest(raw["len"], raw["sha256"])


def _load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return loaded


def _database_names() -> Iterator[str]:
    return (path.parent.name for path in sorted(DATABASES.glob("*/expect.json")))


def _value_names() -> Iterator[str]:
    return (path.stem for path in sorted(VALUES.glob("*.json")))
