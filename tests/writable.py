"""Every format in which new databases can be made, and entries that all of them can hold."""

import pickle
from importlib.util import find_spec
from pathlib import Path

import pytest

from app.backends.formats import FORMATS
from app.backends.registry import open_database
from app.cancel import CancelToken
from app.codecs.registry import value_end

ENTRIES = {b"%d" % number: pickle.dumps([number, "x" * (number % 90)]) for number in range(300)}
"""Files of pickles count their keys; all other formats take anything of this size."""

WRITABLE = [
    pytest.param(
        form.format_id,
        marks=pytest.mark.skipif(
            form.format_id == "lmdb" and find_spec("lmdb") is None, reason="Writing LMDB needs the lmdb package."
        ),
    )
    for form in FORMATS.values()
    if form.writable and form.format_id != "marshal-file"
]
"""Files of marshal values take no pickles: they have tests of their own."""


def entries_of(path: Path) -> list[tuple[bytes, bytes]]:
    """Return all entries of a sound database in its own order."""
    with open_database(path, value_end) as backend:
        found = [
            (chunk.key(row), backend.read(chunk.key(row), chunk.locators[row], chunk.sizes[row]))
            for chunk in backend.index(CancelToken())
            for row in range(len(chunk))
        ]
        assert not backend.problems
    return found
