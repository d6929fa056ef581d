"""The ``.dir`` of ``dbm.dumb``: lines of text, read without evaluating any of them."""

import os
import re
from array import array
from collections.abc import Sequence
from io import BufferedIOBase
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from app.backends.base import Problem
from app.backends.binary import cannot_open, open_regular
from app.backends.files import real_path
from app.cancel import CancelToken

MAX_LINE = 16 << 20
"""Bytes of a line: a longer one is no key that anybody wrote."""

MAX_PROBLEMS = 100
"""Bad lines that are named one by one."""

CHECK_EVERY = 1024
"""Lines between two looks at the cancel token."""

_SHORT_LINE = 4096
"""Bytes: where a line of the first ones is longer, the whole index is read before any is shown."""

_BLOCK = 1 << 20
"""Bytes of an index that are looked through at once for keys that come again."""
_BEFORE = 1024
"""Bytes before a block that are looked at with it."""

# Possessive throughout: a hostile line must not make the pattern go back and try again. The literal knows only
# the escapes that repr() of some Python writes, so that decoding them can neither fail nor warn.
_NUMBER = rb"(0|[1-9][0-9]{0,17}+)[lL]?+"
_TAIL = rb"\s*+,\s*+\(\s*+" + _NUMBER + rb"\s*+,\s*+" + _NUMBER + rb"\s*+\)\s*+"
_PLAIN_LINE = re.compile(rb"'([^'\\\x00\r\n]*+)'" + _TAIL)
_ESCAPE = rb"\\(?:[\\'\"abfnrtv]|x[0-9a-fA-F]{2}|u00[0-9a-fA-F]{2}|[0-3][0-7]{2}|[0-7]{1,2}(?![0-7]))"
_LITERAL = rb"('(?:[^'\\\x00\r\n]++|" + _ESCAPE + rb")*+'|\"(?:[^\"\\\x00\r\n]++|" + _ESCAPE + rb")*+\")"
_KEY = re.compile(rb"\s*+[uU]?+" + _LITERAL + rb"\s*+")
_LINE = re.compile(rb"\s*+[uU]?+" + _LITERAL + _TAIL)
_HIGH_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\x(?:a[1-9a-ce-f]|[b-f][0-9a-f])")
"""A byte as Python 2 escapes it and Python 3 does not; behind an even number of backslashes, which are bytes too."""
_KEY_AFTER_LINE_END = re.compile(rb"\n" + _LITERAL)


class DumbFiles(NamedTuple):
    """The three files of a database."""

    dat: Path
    dir: Path
    bak: Path


def resolved(files: DumbFiles) -> DumbFiles:
    """Return the files that links lead to; a ``.bak`` that is not there comes beside the index that it is one of."""
    index = real_path(files.dir)
    has_older = os.path.lexists(files.bak) or index.suffix != ".dir"
    return DumbFiles(real_path(files.dat), index, real_path(files.bak) if has_older else index.with_suffix(".bak"))


class Slot(NamedTuple):
    """Where the value of a key lies in ``.dat``, and its line in ``.dir``; all in bytes."""

    position: int
    size: int
    line_start: int
    line_end: int


class DumbIndex:
    """What a ``.dir`` says: keys in the order of their first lines, each with what its last line says.

    ``rows`` gives a key's row in the arrays ``positions``, ``sizes``, ``starts`` and ``ends`` (int64, bytes).
    """

    def __init__(self) -> None:
        self.rows: dict[bytes, int] = {}
        self.positions = array("q")
        self.sizes = array("q")
        self.starts = array("q")
        self.ends = array("q")
        self.repeated_lines = 0
        self.problems: list[Problem] = []
        self.bad_lines = 0
        self.last_is_cut = False

    def __len__(self) -> int:
        return len(self.positions)

    def slot(self, row: int) -> Slot:
        return Slot(self.positions[row], self.sizes[row], self.starts[row], self.ends[row])

    def begins_with(self, entries: Sequence[tuple[bytes, int, int]]) -> bool:
        """Tell whether the first rows are these keys, positions and sizes."""
        return list(islice(zip(self.rows, self.positions, self.sizes, strict=True), len(entries))) == entries

    def put(self, key: bytes, slot: Slot) -> None:
        """Note a line: a later one wins over an earlier one, in the earlier one's place."""
        count = len(self.positions)
        row = self.rows.setdefault(key, count)
        if row == count:
            self.positions.append(slot[0])
            self.sizes.append(slot[1])
            self.starts.append(slot[2])
            self.ends.append(slot[3])
        else:
            self.repeated_lines += 1
            self.positions[row], self.sizes[row], self.starts[row], self.ends[row] = slot

    def is_lost_beside(self, older: "DumbIndex") -> bool:
        """Tell whether a crash of ``dbm.dumb`` emptied this index: ``older`` is what ``.bak`` says.

        Deleting the last key leaves one line in ``.bak``: only a lost index is empty beside a longer one.
        """
        return not len(self) and not self.bad_lines and len(older) > 1

    def add_problem(self, message: str, offset: int) -> None:
        """Note a bad line; after many only count them."""
        self.bad_lines += 1
        if self.bad_lines <= MAX_PROBLEMS:
            self.problems.append(Problem(message, offset))

    def all_problems(self) -> list[Problem]:
        """Return what is wrong, with one sentence for all that was only counted."""
        more = self.bad_lines - len(self.problems)
        return self.problems + ([Problem(f"{more:,} more lines of the index are damaged.")] if more > 0 else [])


def read_index_file(path: Path, token: CancelToken) -> DumbIndex:
    """Return what an index file says.

    Raises:
        CannotOpen: it cannot be read at all.
    """
    with open_regular(path) as unbuffered, open(unbuffered.fileno(), "rb", closefd=False) as file:
        try:
            return read_index(file, path.name, token)
        except OSError as error:
            raise cannot_open(path, error) from error


def read_index(file: BufferedIOBase, name: str, token: CancelToken) -> DumbIndex:
    """Return what an index file says; a line that cannot be read costs only itself.

    ``file`` must be buffered and at its start; ``name`` is for the sentences.
    """
    index = DumbIndex()
    offset = 0
    number = 0
    while line := file.readline(MAX_LINE):
        if number % CHECK_EVERY == 0:
            token.advance(offset)
        number += 1
        end = offset + len(line)
        if parsed := parse_line(line):
            key, position, size = parsed
            index.put(key, Slot(position, size, offset, end))
        elif line.strip():
            index.add_problem(f"Line {number:,} of {name} is damaged: the entry it named is not shown.", offset)
            while not line.endswith(b"\n") and (line := file.readline(MAX_LINE)):
                token.check()
                end += len(line)
            index.last_is_cut = not line
        offset = end
    return index


def parse_line(line: bytes) -> tuple[bytes, int, int] | None:
    """Return key, position and size that a line of an index names, or None when it is no such line."""
    if plain := _PLAIN_LINE.fullmatch(line):
        return plain[1], int(plain[2]), int(plain[3])
    if not (match := _LINE.fullmatch(line)):
        return None
    return _unquoted(match[1]), int(match[2]), int(match[3])


def parse_key(start: bytes) -> bytes | None:
    """Return the key that the start of a line names, or None when it names none."""
    match = _KEY.fullmatch(start)
    return _unquoted(match[1]) if match else None


def _unquoted(literal: bytes) -> bytes:
    """Return the key that a text literal means."""
    return literal[1:-1].decode("unicode_escape").encode("latin-1")


def first_entries(path: Path, count: int, token: CancelToken) -> list[tuple[bytes, int, int]]:
    """Return key, position and size of the first ``count`` entries, long before the whole index could be read.

    Empty unless it is sure that no later line names one of their keys again, and when there are fewer.

    Raises:
        CannotOpen: the index cannot be read at all.
    """
    with open_regular(path) as unbuffered, open(unbuffered.fileno(), "rb", closefd=False) as file:
        try:
            lines = (file.readline(_SHORT_LINE) for _ in range(count))
            entries = [entry for line in lines if line.endswith(b"\n") and (entry := parse_line(line))]
            keys = {key for key, _, _ in entries}
            return entries if len(keys) == count and _is_rest_free_of(keys, file, token) else []
        except OSError as error:
            raise cannot_open(path, error) from error


def _is_rest_free_of(keys: set[bytes], file: BufferedIOBase, token: CancelToken) -> bool:
    """Tell whether it is sure that no line of the rest names one of the keys."""
    literals = {quote + key + quote for key in keys for quote in (b"'", b'"')}
    while block := file.read(_BLOCK):
        token.check()
        block += file.readline(MAX_LINE - _BLOCK)
        found = _KEY_AFTER_LINE_END.findall(b"\n" + block)
        if len(found) != block.count(b"\n") + (not block.endswith(b"\n")) or not literals.isdisjoint(found):
            return False
        escaped = (literal for literal in found if b"\\" in literal) if b"\\" in block else ()
        if not keys.isdisjoint(map(_unquoted, escaped)):
            return False
    return True


def format_line(key: bytes, position: int, size: int, *, python2: bool, line_end: bytes) -> bytes:
    """Return the line that ``dbm.dumb`` writes for an entry.

    Python 2 escapes every byte above 127; Python 3 lets the printable ones of Latin-1 stand.
    """
    literal = repr(key)[1:] if python2 else repr(key.decode("latin-1"))
    return f"{literal}, ({position}, {size})".encode("latin-1") + line_end


class IndexStyle(NamedTuple):
    """How the lines of an index are written: bytes above 127 escaped as Python 2 does, and the end of a line."""

    python2: bool = False
    line_end: bytes = b"\n"

    def line(self, key: bytes, position: int, size: int) -> bytes:
        return format_line(key, position, size, python2=self.python2, line_end=self.line_end)


def style_of(path: Path) -> IndexStyle:
    """Return how the lines of an index file are written.

    Raises:
        CannotOpen: it cannot be read at all.
    """
    escapes_high, is_ascii, tail = False, True, b""
    with open_regular(path) as file:
        try:
            while block := file.read(_BLOCK):
                is_ascii = is_ascii and block.isascii()
                escapes_high = escapes_high or _HIGH_ESCAPE.search(tail + block) is not None
                tail = (tail + block)[-_BEFORE:]
        except OSError as error:
            raise cannot_open(path, error) from error
    return IndexStyle(escapes_high and is_ascii, b"\r\n" if tail.endswith(b"\r\n") else b"\n")
