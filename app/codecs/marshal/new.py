"""Whole new marshal values, written as those beside them."""

from collections.abc import Iterable

from app.cancel import CancelToken
from app.codecs.marshal.changes import cut_of
from app.codecs.marshal.compare import is_new_value
from app.codecs.marshal.encode import Form, pieces_of
from app.codecs.marshal.graph import PLAIN, MarshalGraph, graph_of
from app.codecs.marshal.layouts import layout_of
from app.codecs.marshal.parse import NEVER, parse
from app.codecs.marshal.pyc import pyc_header
from app.codecs.marshal.splice import spliced
from app.codecs.model import Style, Value
from app.errors import EncodeError

_LAST_VERSION = 5
_USUAL_VERSION = 4
_NOTHING = b"N"
"""The value in whose place a new one is written."""


def style_of_marshal(values: Iterable[bytes]) -> Style:
    """Return the newest version of marshal among values, and whether Python 2 wrote more of them than Python 3.

    The first bytes of each value are enough. Without any value it is the version that Pythons from 3.4 to 3.13 write.
    """
    versions: list[int] = []
    votes = 0
    for value in values:
        header = pyc_header(value)
        start, layout = (header.size, layout_of(header.version)) if header is not None else (0, None)
        graph = MarshalGraph(parse(value, start, NEVER, layout))
        versions.append(graph.version)
        votes += 1 if graph.is_python2 else -1
    told = [version for version in versions if version != PLAIN] or versions or [_USUAL_VERSION]
    return Style(max(told), is_python2=votes > 0, codec="marshal")


def marshal_bytes(value: Value, style: Style, token: CancelToken) -> bytes:
    """Return a new value as marshal of the version that ``style`` has as its protocol.

    Raises:
        EncodeError: marshal has no such value, or that version cannot write it; says why.
        Cancelled: by ``token``.
    """
    if not 0 <= style.protocol <= _LAST_VERSION:
        raise EncodeError(f"There is no version {style.protocol} of marshal; there are 0 to {_LAST_VERSION}.")
    nothing = graph_of(_NOTHING, 0, token)
    form = Form(style.protocol, style.is_python2)
    data = spliced(nothing.stream, [cut_of(nothing, nothing.root, pieces_of(value, form, token))], token)
    graph = graph_of(data, 0, token)
    if not is_new_value(nothing, graph, value, token, has_references=form.has_references):
        raise EncodeError("This value cannot be written as marshal.")
    return data
