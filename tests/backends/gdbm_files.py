"""GDBM files of every layout, written by us for tests, and keys that GDBM can hardly tell apart."""

from collections.abc import Iterable
from itertools import islice, product
from pathlib import Path

from app.backends.gdbm.backend import GdbmBackend
from app.backends.gdbm.image import Shape
from app.backends.gdbm.layout import LAYOUTS, key_hash
from app.backends.gdbm.write import GdbmWriter, new_shape
from app.backends.whichdb import whichdb
from app.backends.writer import CreateOptions
from app.cancel import CancelToken
from tests.backends.rewriting import create

Pair = tuple[bytes, bytes]

SHAPES = {
    f"{layout.name} {order} {'signed' if signed else 'unsigned'}{' numsync' * numsync}": Shape(
        base.layout, base.byte_order, base.magic, base.block_size, base.bucket_size, base.extension, signed=signed
    )
    for layout in LAYOUTS
    for order in ("little", "big")
    for signed in (True, False)
    for numsync in (False, True)
    for base in [new_shape(CreateOptions(512, order, numsync, layout.name), "gdbm")]
}
NATIVE = SHAPES["64-bit little signed"]


def opened(path: Path) -> GdbmBackend:
    return GdbmBackend(whichdb(path)[0])


def written(path: Path, pairs: Iterable[Pair], shape: Shape = NATIVE) -> Path:
    create(GdbmWriter(shape, GdbmBackend), path, pairs)
    return path


def complaints(path: Path) -> list[str]:
    """Return what `check` finds."""
    with opened(path) as backend:
        return [problem.message for problem in backend.check(CancelToken())]


def keys_of_one_hash(count: int) -> list[bytes]:
    """Return keys of equal hash: what one byte has less by one, its neighbour in the hash has more by 32."""
    pairs = [bytes([33 + 32 * up, 80 - up]) for up in range(3)]
    keys = [b"".join([*parts[:2], b".", *parts[2:]]) for parts in islice(product(pairs, repeat=4), count)]
    assert len({key_hash(key, signed=True) for key in keys}) == 1
    assert len(set(keys)) == count
    return keys
