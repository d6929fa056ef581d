"""The keys under which salvaged entries go into a new database."""

from hypothesis import given
from hypothesis import strategies as st

from app.backends.salvage import Found, Origin, name_of

FOUND = st.builds(
    Found, st.none() | st.sampled_from([b"", b"a", b"b"]), st.just(b""), st.integers(0, 2), st.sampled_from(Origin)
)


def free(_key: bytes) -> bool:
    return False


def test_an_entry_keeps_its_key_when_it_is_free() -> None:
    assert name_of(Found(b"k", b"v", 7), free) == b"k"
    assert name_of(Found(b"k", b"v", 7, Origin.LOST), free) == b"k"
    assert name_of(Found(b"", b"v", 7), free) == b""


def test_lost_repeated_and_deleted_entries_say_where_they_were() -> None:
    taken = {b"k", b"", b"(found at byte 7)"}.__contains__

    assert name_of(Found(None, b"v", 9), free) == b"(found at byte 9)"
    assert name_of(Found(None, b"v", 7), taken) == b"(found at byte 7) #2"
    assert name_of(Found(b"k", b"v", 7), taken) == b"k (found at byte 7)"
    assert name_of(Found(b"", b"v", 8), taken) == b"(found at byte 8)"
    assert name_of(Found(b"k", b"v", 7, Origin.DELETED), free) == b"k (deleted, was at byte 7)"
    assert name_of(Found(None, b"v", 7, Origin.DELETED), free) == b"(deleted, was at byte 7)"


@given(found=st.lists(FOUND, max_size=30))
def test_no_two_entries_get_the_same_name(found: list[Found]) -> None:
    names: set[bytes] = set()
    for one in found:
        name = name_of(one, names.__contains__)
        assert name not in names
        names.add(name)
