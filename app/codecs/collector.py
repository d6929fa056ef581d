"""Python's cyclic collector, kept off while flat records are made."""

import gc

_MANY = 1_000_000
"""Objects that were made meanwhile from which on no collection is to look at them."""


class CollectorPaused:
    """A ``with`` block without collections: flat records hold no cycles, and each one would walk them all again."""

    __slots__ = ("_was_on",)

    def __enter__(self) -> None:
        self._was_on = gc.isenabled()
        gc.disable()

    def __exit__(self, *_error: object) -> None:
        if self._was_on:
            if gc.get_count()[0] > _MANY:
                gc.freeze()  # the next collection would walk over all of them, for seconds
            gc.enable()


def collect_records() -> None:
    """Free the records of values that nothing holds any more, also of those that no collection was to look at."""
    gc.unfreeze()
    gc.collect()
