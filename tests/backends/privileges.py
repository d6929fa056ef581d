"""Being a user whom permissions bind: tests may run as root, whom they do not."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

NOBODY = 65534


@contextmanager
def as_no_root() -> Iterator[None]:
    """Let root become nobody meanwhile; anybody else stays what they are."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
