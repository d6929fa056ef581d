"""What a value that is shown as something else would name as a pickle: shelve and pickle.load ask for no codec.

Bytes that break off as a pickle, or that go on with something else, are shown as text or behind a header, and were
imported from all the same before Python refused them.
"""

from collections.abc import Iterable
from dataclasses import replace

from app.cancel import CancelToken
from app.codecs.base import DecodedValue
from app.codecs.findings import Audit, NamedGlobal
from app.codecs.marshal.recognise import marshal_end
from app.codecs.pickle.codec import PickleCodec
from app.codecs.pickle.joblib import JoblibCodec
from app.codecs.pickle.unfollowed import dangerous_names
from app.codecs.raw import RawCodec
from app.codecs.text import TextCodec

_PICKLES = frozenset({PickleCodec.name, JoblibCodec.name})
_UNRECOGNISED = frozenset({RawCodec.name, TextCodec.name})


def names_as_pickle(value: DecodedValue, token: CancelToken) -> Audit:
    """Return what the bytes of a value that is no pickle name as one; nothing where none of that is dangerous.

    Raises:
        Cancelled: by ``token``.
    """
    if value.codec in _PICKLES:
        return Audit()
    found = dangerous_names(value.data, 0, token)
    if value.codec in _UNRECOGNISED and (end := marshal_end(value.data, 0)) is not None:
        found += dangerous_names(value.data, end, token)  # one file is read by marshal first and then by pickle
    return Audit(behind=found)


def with_others(found: Audit, others: Iterable[Audit]) -> Audit:
    """Return an audit with the names of others that it does not tell yet."""
    told = {named.name for named in (*found.globals, *found.behind)}
    more: list[NamedGlobal] = []
    for named in Audit.joined(others).behind:
        if named.name not in told:
            told.add(named.name)
            more.append(named)
    return replace(found, behind=(*found.behind, *more))
