"""The codec of pickles, protocols 0 to 5 and Python 2."""

from typing import ClassVar

from app.cancel import CancelToken
from app.codecs.base import Codec, DecodedValue, Summary
from app.codecs.pickle.recognise import looks_like_pickle
from app.codecs.pickle.summary import summarise
from app.codecs.pickle.value import PickleValue


class PickleCodec(Codec):
    """Reads what ``pickle`` and ``cPickle`` write, without running any of it."""

    name: ClassVar[str] = "pickle"

    def sniff(self, data: bytes, *, whole: bool) -> str:
        return looks_like_pickle(data, whole=whole)[0]

    def decode(self, data: bytes, token: CancelToken) -> DecodedValue:
        return PickleValue(data, token)

    def summary(self, prefix: bytes, size: int) -> Summary:
        return summarise(prefix, size)

    def claimed_value(self, data: bytes, token: CancelToken) -> tuple[DecodedValue, str] | None:
        reason, graph = looks_like_pickle(data, whole=True)
        return (PickleValue(data, token, graph), reason) if reason else None

    def claimed_summary(self, prefix: bytes, size: int) -> Summary | None:
        reason, graph = looks_like_pickle(prefix, whole=len(prefix) >= size)
        return summarise(prefix, size, graph) if reason else None
