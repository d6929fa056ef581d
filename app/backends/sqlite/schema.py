"""What ``Dict`` is in a SQLite file: the plain table of ``dbm.sqlite3``, or something that only reading suits."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.errors import UnknownFormat

FIRST_ROWID: Final = -(1 << 63)
LAST_ROWID: Final = (1 << 63) - 1

Query = Callable[[str], Sequence[tuple[Any, ...]]]

_COLUMN = rb"(?:\s+(?:BLOB|TEXT|UNIQUE|NOT\s+NULL|PRIMARY\s+KEY))*+\s*+"
_PLAIN = re.compile(
    rb"CREATE\s+TABLE\s+[\"\[`']?Dict[\"\]`']?\s*+\(\s*+[\"\[`']?key[\"\]`']?" + _COLUMN + rb","
    rb"\s*+[\"\[`']?value[\"\]`']?" + _COLUMN + rb"\)\s*+",
    re.IGNORECASE,
)
_COMPUTED = (2, 3)
"""``hidden`` of generated columns in PRAGMA table_xinfo."""

SAVE_ELSEWHERE = "save it as another file."


@dataclass(frozen=True, slots=True)
class Queries:
    """How rows are asked for: ``?1`` is a locator, ``?2`` a number of rows.

    ``batch`` and ``backward`` give locator, key, size in bytes and the types of both cells, from a locator up and down;
    ``read`` and ``kind`` give key and size again, and the value or its type.
    """

    batch: str
    backward: str
    read: str
    kind: str


# length() of a blob looks at the row's header alone, CAST would load the value.
BY_ROWID = Queries(
    batch="SELECT rowid, CAST(key AS BLOB),"
    " CASE typeof(value) WHEN 'blob' THEN length(value) WHEN 'null' THEN 0 ELSE length(CAST(value AS BLOB)) END,"
    " typeof(key), typeof(value) FROM Dict WHERE rowid >= ?1 ORDER BY rowid LIMIT ?2",
    backward="SELECT rowid, CAST(key AS BLOB),"
    " CASE typeof(value) WHEN 'blob' THEN length(value) WHEN 'null' THEN 0 ELSE length(CAST(value AS BLOB)) END,"
    " typeof(key), typeof(value) FROM Dict WHERE rowid <= ?1 ORDER BY rowid DESC LIMIT ?2",
    read="SELECT CAST(key AS BLOB),"
    " CASE typeof(value) WHEN 'blob' THEN length(value) WHEN 'null' THEN 0 ELSE length(CAST(value AS BLOB)) END,"
    " CAST(value AS BLOB) FROM Dict WHERE rowid = ?1",
    kind="SELECT CAST(key AS BLOB),"
    " CASE typeof(value) WHEN 'blob' THEN length(value) WHEN 'null' THEN 0 ELSE length(CAST(value AS BLOB)) END,"
    " typeof(value) FROM Dict WHERE rowid = ?1",
)
BY_POSITION = Queries(
    batch="SELECT 0, CAST(key AS BLOB),"
    " CASE typeof(value) WHEN 'blob' THEN length(value) WHEN 'null' THEN 0 ELSE length(CAST(value AS BLOB)) END,"
    " typeof(key), typeof(value) FROM Dict LIMIT ?2 OFFSET ?1",
    backward="",
    read="SELECT CAST(key AS BLOB),"
    " CASE typeof(value) WHEN 'blob' THEN length(value) WHEN 'null' THEN 0 ELSE length(CAST(value AS BLOB)) END,"
    " CAST(value AS BLOB) FROM Dict LIMIT 1 OFFSET ?1",
    kind="",
)
"""For a table without rowids (or with a column that hides them): a locator is a row's position."""


@dataclass(frozen=True, slots=True)
class Schema:
    """How the table is read, and why it is not written."""

    queries: Queries
    why_read_only: str = ""


def study(query: Query, path: Path) -> Schema:
    """Return how the table ``Dict`` can be read, and why not be written.

    Raises:
        UnknownFormat: there is none, or reading it would run SQL that the file brings along.
    """
    found = query(
        "SELECT type, sql FROM sqlite_master WHERE type IN ('table', 'view') AND name = 'Dict' COLLATE NOCASE"
    )
    if not found:
        message = f"{path.name} is a SQLite database without the table Dict of dbm.sqlite3: open it with a SQLite tool."
        raise UnknownFormat(message, path=path)
    kind, sql = found[0]
    sql = sql if isinstance(sql, bytes) else b""
    if kind != b"table" or re.match(rb"CREATE\s+VIRTUAL", sql, re.IGNORECASE):
        message = f"Dict in {path.name} is no stored table: showing it would run code that the file brings along."
        raise UnknownFormat(message, path=path)
    columns = {bytes(row[1]).lower(): row[6] for row in query("PRAGMA table_xinfo('Dict')")}
    if columns.get(b"key", 2) in _COMPUTED or columns.get(b"value", 2) in _COMPUTED:
        message = f"Dict in {path.name} has no stored columns key and value: it was not made by dbm.sqlite3."
        raise UnknownFormat(message, path=path)
    hides_rowid = b"rowid" in columns or re.search(rb"\)[^()]*WITHOUT\s+ROWID", sql, re.IGNORECASE)
    return Schema(BY_POSITION if hides_rowid else BY_ROWID, _why_read_only(query, sql, columns))


def _why_read_only(query: Query, sql: bytes, columns: dict[bytes, int]) -> str:
    extras = query("SELECT type FROM sqlite_master WHERE tbl_name = 'Dict' COLLATE NOCASE AND sql IS NOT NULL")
    kinds = {bytes(row[0]) for row in extras}
    if b"trigger" in kinds:
        return f"The table Dict has triggers, which would run on saving; {SAVE_ELSEWHERE}"
    if any(hidden in _COMPUTED for hidden in columns.values()):
        return f"The table Dict has generated columns, which saving would compute; {SAVE_ELSEWHERE}"
    if b"index" in kinds or not is_plain(sql):
        return f"The table Dict is not declared as dbm.sqlite3 does it; {SAVE_ELSEWHERE}"
    return ""


def is_plain(sql: object) -> bool:
    """Tell whether a table is declared with the two columns of dbm.sqlite3, and with nothing else."""
    return isinstance(sql, bytes) and _PLAIN.fullmatch(sql) is not None
