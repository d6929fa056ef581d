"""Several pickles in one value, and records of ZODB: the class and the state of an object, written by one pickler."""

import io
import pickle
import struct
from typing import Any

import pytest

from app.cancel import CancelToken
from app.codecs.base import DecodedValue
from app.codecs.registry import decode, summary
from app.errors import EncodeError
from tests.codecs.reading import strict_json


class RecordPickler(pickle.Pickler):
    """Writes references as ZODB does: an id of eight bytes, and the class."""

    def persistent_id(self, obj: Any) -> Any:
        return obj[1:] if isinstance(obj, tuple) and obj and obj[0] == "reference" else None


def record(meta: object, state: object, protocol: int = 3) -> bytes:
    file = io.BytesIO()
    pickler = RecordPickler(file, protocol)
    pickler.dump(meta)
    pickler.dump(state)
    return file.getvalue()


def opened(data: bytes) -> DecodedValue:
    return decode(data, CancelToken())[0]


STATE = {"data": {"a": 1}, "next": ("reference", struct.pack(">Q", 5), dict)}


@pytest.mark.parametrize("protocol", [1, 2, 3])
@pytest.mark.parametrize(
    "meta", [io.BytesIO, (io.BytesIO, None), (("_io", "BytesIO"), None)], ids=["class", "args", "names"]
)
def test_a_record_is_shown_as_the_state_of_its_class(meta: object, protocol: int) -> None:
    data = record(meta, STATE, protocol)

    value = opened(data)

    last = value.rows(value.root.node, 0, 10)[-1]
    assert value.root.note.startswith(
        "A record as ZODB writes it: the class, and in <pickle 2> the state of the _io.BytesIO."
    )
    assert (last.step, last.label, last.type) == ("<pickle 2>", "state of _io.BytesIO", "dict")
    assert value.find("<pickle 2>['next']").type == "persid"
    assert value.problems == ()
    assert (summary(data, len(data)).type, summary(data, len(data)).problem) == ("_io.BytesIO", "")


def test_a_state_is_edited_beside_its_class() -> None:
    value = opened(record((io.BytesIO, None), {"data": {"a": 1}}))

    assert value.replace("<pickle 2>['data']['a']", "2") == record((io.BytesIO, None), {"data": {"a": 2}})


def test_a_state_that_goes_on_with_the_memo_of_its_class_is_shown_and_left_alone() -> None:
    value = opened(record((io.BytesIO, None), {"twin": ("reference", b"12345678", io.BytesIO)}))

    shown = strict_json("".join(value.plain(CancelToken(), "<pickle 2>")))

    assert shown == {"twin": {"__persid__": ["12345678", "_io.BytesIO"]}}
    with pytest.raises(EncodeError, match="reads objects of the one before"):
        value.replace("<pickle 2>['twin']<id>[0]", "b'x'")


def test_two_pickles_that_are_no_record_are_told_of() -> None:
    value = opened(pickle.dumps([1]) + pickle.dumps([2]))

    assert value.problems == ("There are 2 pickles in a row; <pickle 2> is the second.",)
    assert value.find("<pickle 2>").label == "<pickle 2>"
