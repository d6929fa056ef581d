"""Every container format: which backend opens it, and opening by looking at the file."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from app.backends.base import Backend, Match, Values, end_of
from app.backends.berkeley.btree import BdbBtreeBackend
from app.backends.berkeley.btree_write import BdbBtreeWriter, settings_for
from app.backends.berkeley.file import BdbBackend
from app.backends.berkeley.hash import BdbHashBackend
from app.backends.berkeley.hash_write import BdbHashWriter
from app.backends.berkeley.pages import Pages
from app.backends.berkeley.queue_file import BdbQueueBackend
from app.backends.berkeley.queue_salvage import salvage_queue
from app.backends.berkeley.recno import BdbRecnoBackend
from app.backends.berkeley.salvage import salvage_bdb
from app.backends.berkeley.subdatabases import open_btree
from app.backends.berkeley185.btree import Bdb185BtreeBackend
from app.backends.berkeley185.hash import Bdb185HashBackend
from app.backends.berkeley185.salvage import salvage_btree, salvage_hash
from app.backends.cdb.backend import CdbBackend
from app.backends.cdb.salvage import salvage_cdb
from app.backends.cdb.write import CdbWriter
from app.backends.dumb.backend import DumbBackend
from app.backends.dumb.salvage import salvage_dumb
from app.backends.dumb.write import DumbWriter
from app.backends.formats import FORMATS
from app.backends.gdbm.backend import GdbmBackend
from app.backends.gdbm.ndbm import GdbmNdbmBackend
from app.backends.gdbm.salvage import salvage_gdbm, salvage_gdbm_ndbm
from app.backends.gdbm.write import GdbmWriter, NdbmWriter, new_shape
from app.backends.lmdb.backend import LmdbBackend
from app.backends.lmdb.salvage import salvage_lmdb
from app.backends.lmdb.write import LmdbWriter
from app.backends.marshal_file.backend import MarshalFileBackend
from app.backends.marshal_file.salvage import salvage_marshal_file
from app.backends.marshal_file.write import MarshalFileWriter
from app.backends.pickle_file.backend import PickleFileBackend
from app.backends.pickle_file.salvage import salvage_pickle_file
from app.backends.pickle_file.write import PickleFileWriter
from app.backends.salvage import Salvager
from app.backends.sdbm.backend import SdbmBackend
from app.backends.sdbm.salvage import salvage_sdbm
from app.backends.sdbm.write import SdbmWriter, new_convention
from app.backends.sqlite.backend import SqliteBackend
from app.backends.sqlite.salvage import salvage_sqlite
from app.backends.sqlite.write import SqliteWriter
from app.backends.tdb.backend import TdbBackend
from app.backends.tdb.salvage import salvage_tdb
from app.backends.whichdb import whichdb
from app.backends.writer import CreateOptions, Writer
from app.errors import AppError, BackendMissing, CorruptDatabase, OptionRejected, UnknownFormat

_BDB_PARTS: Mapping[str, Callable[[Match, Pages | None], BdbBackend]] = MappingProxyType(
    {"bdb-hash": BdbHashBackend, "bdb-btree": BdbBtreeBackend, "bdb-recno": BdbRecnoBackend}
)
"""What a sub-database can be."""

_OPENERS: Mapping[str, Callable[[Match, Values], Backend]] = MappingProxyType(
    {
        "dumb": lambda match, _: DumbBackend(match),
        "bdb-hash": lambda match, _: BdbHashBackend(match),
        "bdb-btree": lambda match, _: open_btree(match, _BDB_PARTS),
        "bdb-recno": lambda match, _: BdbRecnoBackend(match),
        "bdb-queue": lambda match, _: BdbQueueBackend(match),
        "bdb185-hash": lambda match, _: Bdb185HashBackend(match),
        "bdb185-btree": lambda match, _: Bdb185BtreeBackend(match),
        "gdbm": lambda match, _: GdbmBackend(match),
        "gdbm-ndbm": lambda match, _: GdbmNdbmBackend(match),
        "sdbm": lambda match, _: SdbmBackend(match),
        "cdb": lambda match, _: CdbBackend(match),
        "lmdb": lambda match, _: LmdbBackend(match),
        "sqlite3": lambda match, _: SqliteBackend(match),
        "tdb": lambda match, _: TdbBackend(match),
        "pickle-file": lambda match, values: PickleFileBackend(match, end_of(values, "pickle") or _no_value),
        "marshal-file": lambda match, values: MarshalFileBackend(match, end_of(values, "marshal") or _no_value),
    }
)


_WRITERS: Mapping[str, Callable[[CreateOptions, Values], Writer]] = MappingProxyType(
    {
        "sdbm": lambda options, _: SdbmWriter(SdbmBackend, new_convention(options)),
        "dumb": lambda options, _: DumbWriter(DumbBackend, options),
        "lmdb": lambda options, _: LmdbWriter(LmdbBackend, options),
        "sqlite3": lambda options, _: SqliteWriter(SqliteBackend, options),
        "pickle-file": lambda options, values: PickleFileWriter(
            PickleFileBackend, end_of(values, "pickle") or _no_value, options
        ),
        "marshal-file": lambda options, values: MarshalFileWriter(
            MarshalFileBackend, end_of(values, "marshal") or _no_value, options
        ),
        "bdb-hash": lambda options, _: BdbHashWriter.chosen(BdbHashBackend, options),
        "bdb-btree": lambda options, _: BdbBtreeWriter(BdbBtreeBackend, settings_for(options)),
        "cdb": lambda options, _: CdbWriter(CdbBackend, options),
        "gdbm": lambda options, _: GdbmWriter(new_shape(options, "gdbm"), GdbmBackend),
        "gdbm-ndbm": lambda options, _: NdbmWriter(new_shape(options, "gdbm-ndbm"), GdbmNdbmBackend),
    }
)
"""What writes new databases of a format; raises OptionRejected for options that it cannot have."""

_SALVAGERS: Mapping[str, Salvager] = MappingProxyType(
    {
        "cdb": salvage_cdb,
        "pickle-file": salvage_pickle_file,
        "marshal-file": salvage_marshal_file,
        "sdbm": salvage_sdbm,
        "bdb-btree": lambda salvage: salvage_bdb(salvage, _BDB_PARTS),
        "bdb-hash": lambda salvage: salvage_bdb(salvage, _BDB_PARTS),
        "bdb-recno": lambda salvage: salvage_bdb(salvage, _BDB_PARTS),
        "bdb-queue": lambda salvage: salvage_queue(salvage, BdbQueueBackend),
        "bdb185-btree": lambda salvage: salvage_btree(salvage, Bdb185BtreeBackend),
        "bdb185-hash": lambda salvage: salvage_hash(salvage, Bdb185HashBackend),
        "dumb": salvage_dumb,
        "tdb": salvage_tdb,
        "lmdb": salvage_lmdb,
        "sqlite3": salvage_sqlite,
        "gdbm": salvage_gdbm,
        "gdbm-ndbm": salvage_gdbm_ndbm,
    }
)
"""What searches damaged databases of a format."""


def _no_value(_buffer: object, _start: int) -> None:
    """Know no values: what a caller that gave no ``values`` gets."""


def recognise(path: Path, values: Values = None) -> Match:
    """Return the likeliest match for a path, be it one that can be opened or one that is only named.

    Raises:
        CannotOpen: as `whichdb`.
    """
    return whichdb(path, values)[0]


def open_database(path: Path, values: Values = None) -> Backend:
    """Open what ``path`` names with the first backend that accepts it.

    Raises:
        BackendMissing: the format is recognised only; says what can be done.
        CannotOpen, CorruptDatabase: no match could be opened; what the likeliest one said.
    """
    matches = whichdb(path, values)
    refusals: list[AppError] = []
    for match in matches:
        try:
            return _open(match, values)
        except (UnknownFormat, CorruptDatabase, BackendMissing) as error:
            refusals.append(error)
            if isinstance(error, BackendMissing):  # the file is what it was recognised as: no second guess
                break
    raise refusals[0]


def new_writer(format_id: str, options: CreateOptions, values: Values = None) -> Writer:
    """Return what writes new databases of a format.

    Raises:
        OptionRejected: no such databases can be written; or not with these options.
    """
    make = _WRITERS.get(format_id)
    if make is None:
        known = ", ".join(form.format_id for form in FORMATS.values() if form.writable)
        raise OptionRejected(f"{format_id!r} is no format that can be written; choose from {known}.")
    return make(options, values)


def salvager_for(format_id: str) -> Salvager:
    """Return what searches damaged databases of a format.

    Raises:
        OptionRejected: nothing does.
    """
    if format_id not in _SALVAGERS:
        raise OptionRejected(f"{format_id!r} is no format that can be salvaged; choose from {', '.join(_SALVAGERS)}.")
    return _SALVAGERS[format_id]


def _open(match: Match, values: Values) -> Backend:
    opener = _OPENERS.get(match.format_id)
    if match.unsupported or opener is None:
        sentence = match.unsupported or f"{match.path.name} is {match.variant}: reading that is not there yet."
        raise BackendMissing(sentence, path=match.path)
    return opener(match, values)
