"""The codec of pickles, protocols 0 to 5 and Python 2."""

from typing import ClassVar

from app import limits
from app.cancel import CancelToken
from app.codecs.base import Codec, DecodedValue, Summary
from app.codecs.known.registry import preview
from app.codecs.pickle.graph import NEVER
from app.codecs.pickle.in_a_row import parse_in_a_row, record_class
from app.codecs.pickle.recognise import looks_like_pickle
from app.codecs.pickle.summary import summarise
from app.codecs.pickle.value import PickleValue
from app.codecs.screen import escape_text


class PickleCodec(Codec):
    """Reads what ``pickle`` and ``cPickle`` write, without running any of it."""

    name: ClassVar[str] = "pickle"

    def sniff(self, data: bytes, *, whole: bool) -> str:
        return looks_like_pickle(data, whole=whole)[0]

    def decode(self, data: bytes, token: CancelToken) -> DecodedValue:
        return PickleValue(data, token)

    def first_part(self, data: bytes, token: CancelToken) -> DecodedValue | None:
        value = PickleValue(data, token, room=limits.FIRST_NODES)
        return value if value.why_cut else None

    def summary(self, prefix: bytes, size: int) -> Summary:
        return summarise(prefix, size)

    def claimed_value(self, data: bytes, token: CancelToken) -> tuple[DecodedValue, str] | None:
        reason, graph = looks_like_pickle(data, whole=True)
        return (PickleValue(data, token, graph), reason) if reason else None

    def claimed_summary(self, prefix: bytes, size: int) -> Summary | None:
        reason, graph = looks_like_pickle(prefix, whole=len(prefix) >= size)
        if not reason:
            return None
        if graph is not None and graph.stream.stop < size <= len(prefix):
            graphs = parse_in_a_row(prefix, NEVER, graph)
            if name := record_class(graphs):
                return Summary(self.name, escape_text(name), preview(graphs[1], graphs[1].root, limits.SUMMARY_CHARS))
        return summarise(prefix, size, graph)
