"""Work in a thread with a stack of 512 KB, which is all that some platforms give to a thread."""

import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")
_BYTES = 512 << 10


def on_a_small_stack(work: Callable[[], Result]) -> Result:
    """Return what ``work`` returns, or raise what it raises."""
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001  # handed over to the thread that waits
            errors.append(error)

    before = threading.stack_size(_BYTES)
    try:
        thread = threading.Thread(target=run)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
