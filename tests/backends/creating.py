"""Making new databases of plain entries."""

from collections.abc import Mapping
from pathlib import Path

from app.backends.create import CreateReport, create_database
from app.backends.file_operations import FileOperations
from app.backends.registry import new_writer
from app.backends.writer import CreateOptions
from app.cancel import CancelToken
from tests.backends.toy_format import PairRecords


def created(
    format_id: str,
    base: Path,
    entries: Mapping[bytes, bytes],
    operations: FileOperations | None = None,
    *,
    replaces: bool = False,
    token: CancelToken | None = None,
) -> CreateReport:
    """Make a database of keys that come once, with the options that its format has by itself."""
    records = PairRecords(list(entries.items()), may_repeat=False)
    writer = new_writer(format_id, CreateOptions())
    return create_database(writer, base, records, token or CancelToken(), replaces=replaces, operations=operations)
