"""Edits of pickles in tests, written short."""

from app.cancel import CancelToken
from app.codecs.edits import (
    Edit,
    ReplaceNode,
    Written,
)
from app.codecs.pickle.codec import PickleCodec
from app.codecs.pickle.value import PickleValue

TOKEN = CancelToken()


def decode(data: bytes) -> PickleValue:
    value = PickleCodec().decode(data, TOKEN)
    assert isinstance(value, PickleValue)
    return value


def edit(data: bytes, *edits: Edit) -> bytes:
    for each in edits:
        data = decode(data).edit(each, TOKEN)
    return data


def new(value: object) -> Written:
    return Written(repr(value))


def replaced(path: str, value: object, *, everywhere: bool = False) -> ReplaceNode:
    return ReplaceNode(path, new(value), any_type=True, everywhere=everywhere)
