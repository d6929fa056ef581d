"""The database that a command is about: opened, listed, and what was found damaged on the way."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import click

from app.backends.key_index import IndexChunk, KeyIndex
from app.backends.record_numbers import decimal_of, key_of
from app.cancel import CancelToken
from app.cli.exit_codes import ExitCode
from app.cli.output import complain
from app.cli.parameters import EXTENSIONS
from app.codecs import screen
from app.engine.base import Info
from app.engine.local import LocalEngine
from app.errors import (
    BackendError,
    BackendMissing,
    CannotOpen,
    CorruptDatabase,
    FileMissing,
    KeyMissing,
    ReadOnlyDatabase,
)


class Database:
    """One open database, in this process."""

    def __init__(self, file: str) -> None:
        self.name = Path(file).name
        self.engine = LocalEngine()
        self.token = CancelToken()
        self.damage: list[str] = []
        """Sentences on what could not be listed or shown whole."""
        self._file = file
        with self._opening():
            self.info: Info = self.engine.open(file, self.token)

    @contextmanager
    def _opening(self) -> Iterator[None]:
        """Make every failure of the container one of opening it."""
        try:
            yield
        except FileMissing as error:
            create = _quoted_command("create", self._file)
            raise FileMissing(f"{error.message.rstrip('.')}, or make it with {create}.", path=error.path) from error
        except CannotOpen as error:
            if not _has_no_bytes(self._file):
                raise
            create = _quoted_command("create --replace", self._file)
            message = f"{error.message.rstrip('.')}; {create} makes a database of it."
            raise CannotOpen(message, path=error.path) from error
        except CorruptDatabase as error:
            message = f"{error.message.rstrip('.')}; 'shelfscope salvage' looks for what is left."
            raise CannotOpen(message, path=error.path, offset=error.offset) from error
        except BackendError as error:
            raise CannotOpen(error.message, path=error.path, offset=error.offset) from error

    def chunks(self) -> Iterator[IndexChunk]:
        """Yield the entries as they are found; their ids count on from one chunk to the next.

        Raises:
            CannotOpen: nothing can be listed.
        """
        if self.info.recognised_only:
            raise BackendMissing(self.info.recognised_only)
        chunks = self.engine.index(self.token)
        while True:
            with self._opening():
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk

    @cached_property
    def entries(self) -> KeyIndex:
        """All entries, listed when they are first asked for."""
        entries = KeyIndex()
        for chunk in self.chunks():
            entries.append(chunk)
        return entries

    @property
    def why_read_only(self) -> str:
        """One sentence when nothing can be saved, else empty; complete once the entries are listed."""
        if self.engine.problems() or self.damage:
            return f"{self.name} is damaged, and saving could lose more of it: salvage it into a new one."
        return self.info.why_read_only

    def refuse_read_only(self) -> None:
        """Make sure that something can be saved.

        Raises:
            ReadOnlyDatabase: it cannot; with the reason.
        """
        len(self.entries)  # damage is known once all are listed
        if why := self.why_read_only:
            raise ReadOnlyDatabase(why)

    def all_of(self, key: bytes) -> list[int]:
        """Return the ids of all entries with that key.

        Raises:
            KeyMissing: there is none.
        """
        found = self.find(key)
        if not found:
            raise KeyMissing(self._missing(key))
        return found

    def find(self, key: bytes) -> list[int]:
        """Return the ids of all entries with that key, which can be a record number in decimal."""
        found = list(self.entries.find(key))
        if not found and self.info.numbers_records and (number := key_of(key)) is not None:
            found = list(self.entries.find(number))
        return found

    def shown_key(self, key: bytes) -> bytes:
        """Return a key as a person writes it: the key itself, or a record number in decimal."""
        return decimal_of(key) if self.info.numbers_records else key

    def key_text(self, key: bytes) -> str:
        """Return the text of a key, safe on the screen."""
        return screen.key_text(self.shown_key(key))

    def choose(self, key: bytes | None, nth: int | None) -> int:
        """Return the entry id of a key, or of the first entry when ``key`` is None.

        Raises:
            KeyMissing: there is none, or there are several and ``nth`` does not say which.
        """
        if key is None:
            if not len(self.entries):
                raise KeyMissing(f"{self.name} has no entries, so there is nothing to show.")
            return 0
        found = self.all_of(key)
        if len(found) == 1 and nth is None:
            return found[0]
        if nth is None or nth >= len(found):
            named = f"{len(found)} entries named {self.key_text(key)}"
            raise KeyMissing(f"{self.name} has {named}; choose with --nth 0 to {len(found) - 1}.")
        return found[nth]

    def _missing(self, key: bytes) -> str:
        damaged = " among what can still be read" if self.engine.problems() else ""
        listing = _quoted_command("keys", self._file)
        return f"{self.name} has no entry named {screen.key_text(key)}{damaged}; {listing} lists all."

    def finish(self) -> ExitCode:
        """Say on standard error, in one sentence, what was damaged; return how the command ends."""
        problems = [problem.message for problem in self.engine.problems()] + self.damage
        if not problems:
            return ExitCode.DONE
        first, others = problems[0].rstrip("."), len(problems) - 1
        more = f" (and {others} more {'problem' if others == 1 else 'problems'})" if others else ""
        complain(f"{self.name} is damaged: {first}{more}; what could be read was given.")
        return ExitCode.FINDING


def _has_no_bytes(file: str) -> bool:
    try:
        return Path(file).is_file() and not Path(file).stat().st_size
    except (OSError, ValueError):
        return False


def _quoted_command(command: str, file: str) -> str:
    """Return a command of this program in quotes that the quotes of its file do not end."""
    text = f"shelfscope {command} {shlex.quote(file)}"
    return f'"{text}"' if "'" in text else f"'{text}'"


@contextmanager
def opened(file: str) -> Iterator[Database]:
    """Open a database for one command."""
    database = Database(file)
    try:
        context = click.get_current_context(silent=True)
        table = context.meta.get(EXTENSIONS, {}) if context is not None else {}
        database.engine.name_extensions(table, database.token)
        yield database
    finally:
        database.engine.close()
