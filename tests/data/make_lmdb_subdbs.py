"""Write the case ``databases/lmdb-subdbs`` with LMDB itself (Debian: python3-lmdb): run it by the system's Python."""

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import lmdb

FOLDER = Path(__file__).parent / "databases" / "lmdb-subdbs"
SETS = (1, 2, 9, 300, 1, 4)
FIXED_SETS = (1, 2, 9, 900, 1, 4)
INLINE_BYTES = 1024


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / "test.mdb"
    path.unlink(missing_ok=True)
    environment = lmdb.open(str(path), subdir=False, map_size=1 << 20, max_dbs=4, lock=False)
    plain = environment.open_db(b"plain")
    dup = environment.open_db(b"dup", dupsort=True)
    fixed = environment.open_db(b"fixed", dupsort=True, dupfixed=True)
    empty = environment.open_db(b"empty")
    with environment.begin(write=True) as transaction:
        transaction.put(b"main", b"entry of the main database")
        transaction.put(b"long", bytes(range(256)) * 24)
        for number in range(200):
            transaction.put(b"plain-%03d" % number, b"value %d" % number, db=plain)
        for number, (count, fixed_count) in enumerate(zip(SETS, FIXED_SETS)):
            for nth in range(count):
                transaction.put(b"dup-%d" % number, b"value %d " % nth + b"-" * (nth % 17), db=dup)
            for nth in range(fixed_count):
                transaction.put(b"fixed-%d" % number, b"%06d" % nth, db=fixed)
    with environment.begin() as transaction:
        pairs = [(key, transaction.get(key)) for key in (b"long", b"main")]
        for database in (dup, empty, fixed, plain):
            pairs += transaction.cursor(db=database)
    environment.close()
    facts = {
        "format": "lmdb",
        "variant": "main database and four named ones, with duplicates (dupsort, dupfixed)",
        "writer": "python3-lmdb",
        "files": [path.name],
        "open": path.name,
        "count": len(pairs),
        "corrupt": False,
        "shelve": False,
        "duplicates": True,
        "ordered": True,
        "endian": "little",
        "note": "entries: of the main database, then of the named ones in the order of their names",
        "entries": [[b64encode(key).decode(), shown(value)] for key, value in pairs],
    }
    (FOLDER / "expect.json").write_text(json.dumps(facts, separators=(",", ":")))


def shown(value: bytes) -> object:
    if len(value) <= INLINE_BYTES:
        return b64encode(value).decode()
    return {"len": len(value), "sha256": sha256(value).hexdigest()}


main()
