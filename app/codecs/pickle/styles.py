"""In which protocol, and for which Python, pickles were written: what is written new beside them follows."""

from collections import Counter
from collections.abc import Iterable

from app.codecs.model import Style
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.longs import has_python2_longs
from app.codecs.pickle.opcodes import BY_CODE, CODE, STRINGS, TEXTS, end_of
from app.codecs.pickle.recognise import looks_like_pickle

_LAST_PROTOCOL = 5
_LAST_OF_PYTHON2 = 2
_PREFIX = 4096
"""Bytes of a value that are looked at."""

_NUMPY_MODULES = ("numpy._core", "numpy.core")


def style_of_graph(graph: Graph) -> Style:
    """Return the style in which the whole pickle is written again: Python 2's where anything tells that it wrote it."""
    stream = graph.stream
    protocol, _ = _tells(stream.data[stream.start : stream.start + _PREFIX])
    is_python2 = graph.is_python2 or has_python2_longs(stream)
    module = numpy_module(stream.data)
    return Style(max(protocol, min(stream.protocol, _LAST_PROTOCOL)), is_python2, numpy_module=module)


def style_of(values: Iterable[bytes]) -> Style:
    """Return the protocol that most of the pickles among ``values`` have, and whether Python 2 wrote more of them.

    The first bytes of each value are enough. The newest protocol wins where several are as frequent; without any
    pickle it is what `Style` has.
    """
    protocols: Counter[int] = Counter()
    votes = 0
    modules = set()
    for value in values:
        prefix = value[:_PREFIX]
        if looks_like_pickle(prefix, whole=len(value) <= _PREFIX)[0]:
            protocol, vote = _tells(prefix)
            protocols[protocol] += 1
            votes += vote
            modules.add(numpy_module(prefix))
    if not protocols:
        return Style()
    most = max(protocols, key=lambda protocol: (protocols[protocol], protocol))
    if votes > 0:
        return Style(min(most, _LAST_OF_PYTHON2), is_python2=True)
    return Style(most, numpy_module=next((module for module in _NUMPY_MODULES if module in modules), ""))


def numpy_module(data: bytes) -> str:
    """Return which of numpy's modules a pickle names, that of the newest version first; empty where it names none."""
    return next((module for module in _NUMPY_MODULES if data.find(f"{module}.".encode()) >= 0), "")


def _tells(prefix: bytes) -> tuple[int, int]:
    """Return the protocol, and 1 for Python 2, -1 for Python 3, 0 where nothing tells which of them wrote it."""
    found: set[int] = set()
    pos = declared = 0
    while 0 <= pos < len(prefix) and BY_CODE[prefix[pos]] is not None:
        found.add(prefix[pos])
        if prefix[pos] == CODE["PROTO"]:
            declared = max(declared, *prefix[pos + 1 : pos + 2])
        pos = end_of(prefix, pos)
    opcodes = [opcode for opcode in map(BY_CODE.__getitem__, found) if opcode]
    protocol = min(max(declared, *(min(opcode.protocol, 1) for opcode in opcodes), 0), _LAST_PROTOCOL)
    if found & STRINGS:
        return protocol, 1
    return protocol, -1 if protocol > _LAST_OF_PYTHON2 or found & TEXTS else 0
