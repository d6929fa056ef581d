"""The engine: one open database spoken to in plain data, in this process or in a child."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from app.backends.base import Change, Expected, SaveOptions, SaveReport
from app.backends.key_index import IndexChunk
from app.cancel import CancelToken
from app.codecs.findings import Query
from app.codecs.model import Style
from app.engine.value_calls import Source, ValueCalls
from app.errors import CorruptDatabase


@dataclass(frozen=True, slots=True)
class ProblemNote:
    """A container problem: a sentence and a byte offset."""

    message: str
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Info:
    """What is known of an open database before it is indexed. Paths are text. ``bytes`` is the size of all files."""

    path: str
    format: str
    variant: str
    reason: str
    files: tuple[str, ...]
    bytes: int
    byte_order: str | None
    why_read_only: str
    lock_seen: str = ""
    may_repeat: bool = False
    """Whether a key can come more than once."""
    numbers_records: bool = False
    """Whether the keys are record numbers: people read and write them in decimal, see `record_numbers`."""
    recognised_only: str = ""
    """A sentence when the format is only named and cannot be opened; then nothing else can be asked."""
    main: str = ""
    """The file that opens it again, whatever else gets the base name that it may have been opened by."""


@dataclass(frozen=True, slots=True)
class ExportItem:
    """One entry to export: its key and where its value is."""

    key: bytes
    source: Source


@dataclass(frozen=True, slots=True)
class ExportReport:
    """How far an export is. ``damaged``, in the last report: keys of entries that were not written whole."""

    entries: int
    total: int
    damaged: tuple[bytes, ...] = ()
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A place that matches: in item ``number`` of a search (the entry id when all are searched), at a path.

    ``is_key``: it is the entry's own key that matches, and the path is empty. ``text`` is safe for the screen.
    """

    number: int
    key: bytes
    path: str
    text: str
    is_key: bool = False


@dataclass(frozen=True, slots=True)
class SearchReport:
    """How far a search is, and what it found since the last report.

    ``unread``: keys of entries that could not be read or decoded since then, each with why.
    """

    done: int
    total: int
    hits: tuple[Found, ...] = ()
    unread: tuple[tuple[bytes, str], ...] = ()
    finished: bool = False


@dataclass(frozen=True, slots=True)
class NewDatabase:
    """A database to be made: base name, format id, and options as `backends.writer.CreateOptions` has them.

    ``replaces``: files of that name may be there, and are backed up first. ``keeps_layout``: a copy in the format of
    its source is laid out as that one, and ``options`` say nothing; where that is impossible, as new ones are.
    """

    path: str
    format: str
    options: Mapping[str, str | int | bool | None] = field(default_factory=dict)
    replaces: bool = False
    keeps_layout: bool = False


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """An entry that a format cannot hold, and why."""

    key: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Refusals:
    """What another format cannot hold: how many entries, and the first `limits.PROBLEMS` of them."""

    count: int = 0
    first: tuple[RefusedEntry, ...] = ()
    advice: str = ""
    """What to choose so that more of them can be stored, as `advice.choosing` puts it; empty where nothing helps."""


@dataclass(frozen=True, slots=True)
class MadeDatabase:
    """A new database: its files, copies of those it replaced, how many entries it got and what was left out."""

    files: tuple[str, ...]
    entries: int
    left_out: Refusals = Refusals()
    backups: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileState:
    """Whether the files of a database look other than before.

    ``lost`` is one sentence where nothing of that format can be read there any more, else empty; ``other_format``
    is what is there then, where that is another database. ``signature`` is that of the files now.
    """

    is_changed: bool = False
    lost: str = ""
    other_format: str = ""
    signature: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class SalvageReport:
    """What was found.

    Nothing led to ``lost`` entries, ``deleted`` ones lay in free space, ``renamed`` ones got another key than their
    own, as it was taken or is lost. ``format`` is what the files were read as.
    """

    made: MadeDatabase
    live: int
    lost: int
    deleted: int
    renamed: int
    problems: tuple[ProblemNote, ...] = ()
    format: str = ""


class Engine(ValueCalls):
    """One open database. Calls are made one at a time.

    Every call raises `AppError` when it cannot answer, `Cancelled` by its token, and `EngineStopped`
    when the process behind it was killed or died; it can be called again then.
    """

    @abstractmethod
    def open(self, path: str, token: CancelToken) -> Info:
        """Recognise and open a database (any member of a family); must come first."""

    @abstractmethod
    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        """Read the keys in slices; afterwards entry ids are positions in this stream. Called again, it reloads.

        Other calls may be made between two chunks.
        """

    @abstractmethod
    def problems(self) -> tuple[ProblemNote, ...]:
        """Return the container problems seen so far."""

    @abstractmethod
    def notes(self) -> tuple[str, ...]:
        """Return sentences on what is unusual about the container, but no damage; complete once it is indexed."""

    @abstractmethod
    def name_extensions(self, table: Mapping[int, str], token: CancelToken) -> None:
        """Take the names of copyreg's extension codes, ``module.name`` by code, for all values from now on."""

    @abstractmethod
    def is_shelf(self, token: CancelToken) -> bool:
        """Tell whether the first `limits.SHELF_SAMPLE` values are pickles under UTF-8 keys; not so when empty."""

    @abstractmethod
    def style(self, token: CancelToken) -> Style:
        """Return how a new value of this database is written: as most of the first `limits.SHELF_SAMPLE` pickles."""

    @abstractmethod
    def export(
        self, items: Sequence[ExportItem] | None, target: str, *, lines: bool, token: CancelToken, typed: bool = False
    ) -> Iterator[ExportReport]:
        """Write entries (all in index order when None) as JSON or JSON Lines to ``target``, whole or not at all.

        ``typed``: each value is a document of typed JSON (docs/TYPED_JSON.md), not plain JSON.
        Works in slices of some milliseconds and yields how far it is after each; the last report is ``finished``.

        Raises:
            DocumentError: two keys would get one name in a JSON object; says to use JSON Lines.
        """

    @abstractmethod
    def search(self, items: Sequence[ExportItem] | None, query: Query, token: CancelToken) -> Iterator[SearchReport]:
        """Look for a text in the keys and values of entries (all in index order when None).

        Works in slices of some milliseconds and yields what it found after each; the last report is ``finished``.
        A regular expression can take for ever on one text: then only ending the process helps.

        Raises:
            EncodeError: the regular expression is wrong.
        """

    @abstractmethod
    def apply(
        self, changes: Sequence[Change], expected: Mapping[int, Expected], options: SaveOptions, token: CancelToken
    ) -> SaveReport:
        """Save as `Backend.apply` does; the database must be indexed anew afterwards."""

    @abstractmethod
    def compact(self, options: SaveOptions, token: CancelToken) -> SaveReport:
        """Write the database anew without unused room, as safely as `apply`; to be indexed anew afterwards."""

    @abstractmethod
    def refusals(
        self,
        target: NewDatabase,
        changes: Sequence[Change],
        token: CancelToken,
        *,
        expected: Mapping[int, Expected] | None = None,
        seen: Sequence[Sequence[int]] | None = None,
    ) -> Refusals:
        """Return which entries `convert` would have to leave out.

        Raises:
            OptionRejected: no such database can be made.
            StaleIndex: as `convert`.
        """

    @abstractmethod
    def convert(
        self,
        target: NewDatabase,
        changes: Sequence[Change],
        token: CancelToken,
        *,
        leaves_out: bool,
        expected: Mapping[int, Expected] | None = None,
        seen: Sequence[Sequence[int]] | None = None,
    ) -> MadeDatabase:
        """Write all entries into a new database, with ``changes`` made; this one stays as it is.

        The entry ids of ``changes`` are those of this engine's index; with ``expected`` they can be of another one,
        and its items tell how each entry is found again. A replaced entry that is gone meanwhile is written all the
        same: a copy holds what its maker sees. ``target.path`` may name any member of the new database's files.
        ``seen`` is a `signature`: of the files that the changes were made for, and are not made in yet.

        Raises:
            StaleIndex: the files are no longer as ``seen``.
            KeyRejected: some entries cannot be stored, and ``leaves_out`` is false.
            SaveFailed: the name is taken, is that of this database, or the system refused.
        """

    def check_file(self, path: str, token: CancelToken) -> tuple[ProblemNote, ...]:
        """Open a database and `check` it; one that is too damaged to be opened has that as its only problem."""
        try:
            self.open(path, token)
        except CorruptDatabase as error:
            return (ProblemNote(error.sentence, error.offset),)
        return self.check(token)

    @abstractmethod
    def check(self, token: CancelToken) -> tuple[ProblemNote, ...]:
        """Return everything in which the files contradict their format, at most `limits.PROBLEMS` of it."""

    @abstractmethod
    def unstorable(self, entries: Sequence[tuple[bytes, int]], token: CancelToken) -> Refusals:
        """Return which new entries, each a key and the size of a value in bytes, this database cannot hold.

        Raises:
            ReadOnlyDatabase: it cannot be written at all.
        """

    # ---- without an open database

    @abstractmethod
    def is_container(self, path: str, token: CancelToken) -> bool:
        """Tell whether a file is a database; files of bare values are none here."""

    @abstractmethod
    def create(self, target: NewDatabase, token: CancelToken) -> MadeDatabase:
        """Make an empty database."""

    @abstractmethod
    def salvage(
        self, source: str, target: NewDatabase, token: CancelToken, *, deleted: bool, format_id: str = ""
    ) -> SalvageReport:
        """Write all that can be found in damaged files into a new database.

        ``format_id`` says what the source was, where its files do not tell any more.
        """

    @abstractmethod
    def signature(self) -> tuple[tuple[int, int, int], ...]:
        """Return (size in bytes, mtime in ns, inode) of every file: a hint that somebody changed it."""

    @abstractmethod
    def file_state(self, seen: Sequence[Sequence[int]], token: CancelToken) -> FileState:
        """Return what became of the files that had the `signature` ``seen``; what is open stays open."""

    @abstractmethod
    def fingerprints(self, token: CancelToken, *, values: bool) -> Iterator[bytes]:
        """Yield two hashes of 8 bytes for each entry of the index: of its key, and of its value (or its length).

        Works in slices of some milliseconds, each of which gives those of some successive entries.

        Raises:
            StaleIndex: the entries are others by now.
        """

    @abstractmethod
    def close(self) -> None:
        """Close the database and end its process; harmless when called twice."""
