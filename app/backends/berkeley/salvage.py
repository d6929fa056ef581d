"""What can still be found in damaged files of Berkeley DB 2 and later, whatever they were."""

from collections.abc import Iterator

from app.backends.berkeley.hash_salvage import HashSearch
from app.backends.berkeley.search import pages_of
from app.backends.berkeley.subdatabases import Parts
from app.backends.berkeley.tree_salvage import TreeSearch
from app.backends.salvage import Found, Salvage


def salvage_bdb(salvage: Salvage, parts: Parts) -> Iterator[Found]:
    """Yield what is found; ``parts`` open a database on pages of a file.

    Raises:
        CannotOpen: there is no file that can be read.
    """
    with pages_of(salvage) as pages:
        if pages is None:
            return
        search = HashSearch if pages.meta.method == "hash" else TreeSearch
        yield from search(salvage, pages, parts).run()
