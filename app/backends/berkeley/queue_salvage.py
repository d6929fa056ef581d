"""What can still be found in queues of Berkeley DB: a record that was taken out stays where it was until another comes.

References: qam/qam.c (__qam_delete) and dbinc/qam.h (QAM_SET, QAM_VALID) of Berkeley DB 5.3.
"""

from collections.abc import Callable, Iterator
from contextlib import closing

from app.backends.base import Match
from app.backends.berkeley.meta import META_BYTES, parse_meta
from app.backends.berkeley.queue_file import BdbQueueBackend
from app.backends.binary import read_head
from app.backends.salvage import Found, Origin, Salvage, report_problems
from app.errors import AppError, CorruptDatabase


def salvage_queue(salvage: Salvage, opener: Callable[[Match], BdbQueueBackend]) -> Iterator[Found]:
    """Yield what is found; nothing without the first page, which alone tells how long records are.

    Raises:
        CannotOpen: there is no file that can be read.
    """
    meta = parse_meta(read_head(salvage.path, META_BYTES)[0])
    if meta is None or meta.method != "queue":
        salvage.report(f"The first page of {salvage.path.name} is lost; without it no record can be told.", 0)
        return
    match = Match("bdb-queue", "", "", salvage.path, salvage.base, (salvage.path,), meta.byte_order)
    try:
        queue = opener(match)
    except CorruptDatabase as error:
        salvage.report(error.message, error.offset)
        return
    with closing(queue):
        yield from _records(queue, salvage)


def _records(queue: BdbQueueBackend, salvage: Salvage) -> Iterator[Found]:
    for chunk in queue.index(salvage.token):
        for row in range(len(chunk)):
            place = chunk.key(row), chunk.locators[row], chunk.sizes[row]
            try:
                yield Found(place[0], queue.read(*place), queue.place_of(*place))
            except AppError as error:
                salvage.report(error.message, error.offset)
    is_damaged = report_problems(queue, salvage)
    if salvage.deleted:
        for key, value, start in queue.removed(salvage.token):
            yield Found(key, value, start, Origin.DELETED)
