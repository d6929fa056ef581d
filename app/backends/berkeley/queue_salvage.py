"""What can still be found in queues of Berkeley DB: a record that was taken out stays where it was until another comes.

References: qam/qam.c (__qam_delete) and dbinc/qam.h (QAM_SET, QAM_VALID) of Berkeley DB 5.3.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Final

from app.backends.base import ByteOrder, Match
from app.backends.berkeley.meta import MAGICS, META_BYTES, Meta, parse_meta
from app.backends.berkeley.pages import Pages
from app.backends.berkeley.queue_file import BdbQueueBackend
from app.backends.binary import MappedFile, read_head
from app.backends.salvage import Found, Origin, Salvage, readable, report_problems
from app.errors import CorruptDatabase

Opener = Callable[[Match, Pages | None], BdbQueueBackend]
_ORDERS: Final[tuple[ByteOrder, ...]] = ("little", "big")
_MAGIC: Final = next(magic for magic, method in MAGICS.items() if method == "queue")
_MAGIC_AT: Final = 12


def salvage_queue(salvage: Salvage, opener: Opener) -> Iterator[Found]:
    """Yield what is found; without the first page nothing, as it alone tells how long records are.

    Of that page the numbers count: where its start is lost, they are believed if they fit each other.

    Raises:
        CannotOpen: there is no file that can be read.
    """
    head = read_head(salvage.path, META_BYTES)[0]
    meta = parse_meta(head)
    if meta is not None and meta.method == "queue":
        yield from _opened(salvage, opener, meta, None)
        return
    for order in _ORDERS:
        likely = parse_meta(bytes(_MAGIC_AT) + _MAGIC.to_bytes(4, order) + head[_MAGIC_AT + 4 :])
        if likely is not None and likely.byte_order == order and not likely.unsupported:
            salvage.report(f"The first page of {salvage.path.name} is damaged; what is left of it was believed.", 0)
            with closing(MappedFile(salvage.path, order)) as file:
                yield from _opened(salvage, opener, likely, Pages(file, likely))
            return
    salvage.report(f"The first page of {salvage.path.name} is lost; without it no record can be told.", 0)


def _opened(salvage: Salvage, opener: Opener, meta: Meta, pages: Pages | None) -> Iterator[Found]:
    match = Match("bdb-queue", "", "", salvage.path, salvage.base, (salvage.path,), meta.byte_order)
    try:
        queue = opener(match, pages)
    except CorruptDatabase as error:
        salvage.report(error.sentence, error.offset)
        return
    with closing(queue):
        yield from _records(queue, salvage)


def _records(queue: BdbQueueBackend, salvage: Salvage) -> Iterator[Found]:
    for key, value, locator in readable(queue, salvage):
        yield Found(key, value, queue.place_of(key, locator, len(value)))
    report_problems(queue, salvage)
    if salvage.deleted:
        for key, value, start in queue.removed(salvage.token):
            yield Found(key, value, start, Origin.DELETED)
