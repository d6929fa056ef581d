"""Edits of values that hold themselves, or stand for far more than their bytes."""

import time

import pytest

from app.cancel import CancelToken
from app.codecs.edits import ChangeProtocol, DeleteNodes
from app.codecs.marshal.codec import MarshalCodec
from app.errors import EncodeError

TOKEN = CancelToken()
IN_ITSELF = b"\xa9\x01{r\0\0\0\0N0"
"""A tuple of a dict that has the tuple for a key."""


@pytest.mark.parametrize("path", ["[0][#0]<key>[0]", "[0][#0]<key>[0][#0]<key>[0]"])
def test_a_path_around_again_is_refused_with_the_reason(path: str) -> None:
    value = MarshalCodec().decode(IN_ITSELF, TOKEN)

    with pytest.raises(EncodeError, match="shortest path"):
        value.edit(DeleteNodes((path,)), TOKEN)


def test_tuples_that_double_thirty_times_are_not_written_out() -> None:
    doubled = b"".join(b"\xa9\x02" + 2 * (b"r" + number.to_bytes(4, "little")) for number in range(30))
    value = MarshalCodec().decode(b"[\x1f\0\0\0\xa9\0" + doubled, TOKEN)
    start = time.monotonic()

    with pytest.raises(EncodeError, match="too large"):
        value.edit(ChangeProtocol(2), TOKEN)

    assert time.monotonic() - start < 30  # seconds; a billion nodes take many minutes
