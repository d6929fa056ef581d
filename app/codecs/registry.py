"""Which codec reads a value: candidates ranked, each with its reason, and what is inside of it."""

import re
from dataclasses import dataclass

from app import limits
from app.cancel import CancelToken
from app.codecs.as_pickle import names_as_pickle, with_others
from app.codecs.base import Codec, DecodedValue, Inside, Summary
from app.codecs.content import ContentValue
from app.codecs.edits import New
from app.codecs.findings import Audit
from app.codecs.holding import may_hold
from app.codecs.json_value.codec import JsonCodec
from app.codecs.marshal.codec import MarshalCodec
from app.codecs.marshal.new import marshal_bytes, style_of_marshal
from app.codecs.marshal.recognise import marshal_end
from app.codecs.model import Style
from app.codecs.msgpack_value.codec import MsgpackCodec
from app.codecs.new_values import new_value
from app.codecs.pickle.bulk import Misses, plain_json
from app.codecs.pickle.codec import PickleCodec
from app.codecs.pickle.emit import emit_pickle
from app.codecs.pickle.joblib import JoblibCodec, dump_end
from app.codecs.pickle.recognise import begins_surely, value_end
from app.codecs.pickle.styles import style_of
from app.codecs.pickle.value import PickleValue
from app.codecs.raw import RawCodec
from app.codecs.text import TextCodec
from app.codecs.wrappers.base64_text import Base64Codec
from app.codecs.wrappers.compressed import compressed_codecs
from app.codecs.wrappers.header import HeaderCodec, HeaderValue
from app.errors import CodecError, DecodeError

__all__ = [
    "CODECS",
    "VALUE_ENDS",
    "Guess",
    "Misses",
    "audit",
    "decode",
    "encode_new",
    "first_part",
    "key_summary",
    "plain_json",
    "sniff",
    "style_of",
    "style_of_marshal",
    "summary",
    "value_end",
]

_UNPRINTABLE = re.compile(rb"[^\x20-\x7e]")
"""No pickle or marshal that says more than one character does without."""

_PROVED_BYTES = 1 << 16
"""Bytes inside of a value up to which they are read whole to tell whether they are a value too."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A codec that may read a value, and a sentence on why."""

    codec: str
    reason: str


def sniff(prefix: bytes, size: int) -> list[Guess]:
    """Return the codecs that claim a value of ``size`` bytes, best first, from its first bytes; never empty."""
    reasons = ((name, codec.sniff(prefix, whole=len(prefix) >= size)) for name, codec in CODECS.items())
    return [Guess(name, reason) for name, reason in reasons if reason]


def decode(data: bytes, token: CancelToken, codec: str | None = None) -> tuple[DecodedValue, str]:
    """Return the decoded value and why this codec read it: the best that can, unless ``codec`` names one.

    Raises:
        DecodeError: no codec has that name, or the one that is named cannot read the value.
        LimitExceeded: a cap of `app.limits` was reached.
        Cancelled: by ``token``.
    """
    if codec is not None:
        value, reason = _named(codec).decode(data, token), "It was chosen by name."
    else:
        value, reason = _best(data, token)
    can_hold = type(value).insides is not DecodedValue.insides
    return (ContentValue(value, _OPENER) if can_hold else value), reason


def audit(value: DecodedValue, token: CancelToken) -> Audit:
    """Return what a value names and would call, and of one that is no pickle what dangerous names a pickle would have.

    Raises:
        Cancelled: by ``token``.
    """
    found = value.audit(token)
    return found if isinstance(value, ContentValue) else with_others(found, (names_as_pickle(value, token),))


def first_part(data: bytes, token: CancelToken) -> tuple[DecodedValue, str] | None:
    """Return the beginning of a large value and why its codec reads it, at once; None where `decode` is as soon.

    Raises:
        Cancelled: by ``token``.
    """
    if len(data) < limits.LARGE_VALUE:
        return None
    prefix = data[: limits.SUMMARY_PREFIX]
    for codec in CODECS.values():
        if reason := codec.sniff(prefix, whole=False):
            value = codec.first_part(data, token)
            return None if value is None else (ContentValue(value, _OPENER), reason)
    return None


def encode_new(new: New, style: Style, token: CancelToken) -> bytes:
    """Return a whole pickle of a new value, as a shelf stores it, or marshal where the style says so.

    Raises:
        EncodeError: the new value is wrong, or that protocol cannot hold it.
        PathError, DecodeError: there is no such node to copy, or it cannot be read.
        Cancelled: by ``token``.
    """
    value = new_value(new, style, token)
    return marshal_bytes(value, style, token) if style.codec == _MARSHAL.name else emit_pickle(value, style)


def summary(prefix: bytes, size: int) -> Summary:
    """Return what a table cell shows of a value of ``size`` bytes, from its first `limits.SUMMARY_PREFIX` bytes."""
    for codec in CODECS.values():
        found = codec.claimed_summary(prefix, size)
        if found is not None:
            return _with_tail(found, prefix, size)
    return _FALLBACK.summary(prefix, size)


def key_summary(key: bytes) -> str:
    """Return what a key says that is a pickle or marshal itself, as a table cell shows it; empty for all others.

    Two keys can say the same; only the bytes name one.
    """
    if len(key) > limits.SUMMARY_PREFIX or not _UNPRINTABLE.search(key):
        return ""
    for codec in (_PICKLE, _MARSHAL):
        try:
            found = codec.claimed_value(key, CancelToken())
        except CodecError:
            continue
        if found is not None and not found[0].is_damaged and not found[0].problems:
            return codec.summary(key, len(key)).text
    return ""


def _best(data: bytes, token: CancelToken) -> tuple[DecodedValue, str]:
    for candidate in CODECS.values():
        found = _claimed(candidate, data, token)
        if found is not None:
            return _behind_pickle(found, data)
    return _FALLBACK.decode(data, token), _FALLBACK.sniff(data, whole=True)


def _claimed(codec: Codec, data: bytes, token: CancelToken) -> tuple[DecodedValue, str] | None:
    """Return the value and why the codec claims it; all of it is sniffed at only where its beginning says nothing."""
    try:
        prefix = data[: limits.SUMMARY_PREFIX]
        reason = codec.sniff(prefix, whole=False) if len(prefix) < len(data) else ""
        if not reason:
            return codec.claimed_value(data, token)
        value = codec.decode(data, token)
    except DecodeError:
        return None  # the codec was wrong about the beginning
    return (value, reason) if value.why_cut or not value.is_damaged or codec.sniff(data, whole=True) else None


def _behind_pickle(found: tuple[DecodedValue, str], data: bytes) -> tuple[DecodedValue, str]:
    """Return a pickle before something compressed as its header: what is compressed is what the value is about."""
    value, _ = found
    if not isinstance(value, PickleValue) or not 0 <= value.end < len(data):
        return found
    place = _HEADER.behind_pickle(data, value.end, whole=True)
    if place is None:
        return found
    return HeaderValue(data, place, is_behind_pickle=True), f"Compressed data follows a pickle of {value.end:,} bytes."


def _with_tail(found: Summary, prefix: bytes, size: int) -> Summary:
    """Return the summary of a pickle, or of the compressed value behind it."""
    if found.codec != PickleCodec.name or not found.problem:
        return found
    end = value_end(prefix, 0)
    place = None if end is None else _HEADER.behind_pickle(prefix, end, whole=len(prefix) >= size)
    return found if place is None else _HEADER.summary_at(prefix, size, place)


class _Opener:
    """Opens what is inside of values."""

    def holds(self, inside: Inside) -> bool:
        try:
            prefix = inside.read(limits.SUMMARY_PREFIX)
            if not may_hold(prefix):
                return False
            if inside.size > _PROVED_BYTES:
                return any(CODECS[name].sniff(prefix, whole=False) for name in _SURE)
            return self._sure(inside.read(None), CancelToken()) is not None
        except CodecError:
            return False  # the bytes themselves are damaged, which their own row says

    def open(self, inside: Inside, token: CancelToken) -> DecodedValue:
        data = inside.read(None)
        found = None if inside.is_certain else self._sure(data, token)
        return _best(data, token)[0] if found is None else found

    def _sure(self, data: bytes, token: CancelToken) -> DecodedValue | None:
        """Return a value that is so much like itself that its bytes cannot be meant otherwise."""
        for name in _SURE:
            try:
                found = _claimed(CODECS[name], data, token)
            except CodecError:
                continue
            if found is not None and _is_sure(found[0]):
                return found[0]
        return None


def _is_sure(value: DecodedValue) -> bool:
    if value.is_damaged:
        return False
    return value.codec != PickleCodec.name or value.data.startswith(b"\x80") or value.root.count > 0


def _named(name: str) -> Codec:
    if name not in CODECS:
        raise DecodeError(f"There is no codec named {name}; there are {', '.join(CODECS)}.")
    return CODECS[name]


_FALLBACK = RawCodec()
_HEADER = HeaderCodec(value_end, begins_surely, summary)
_BASE64 = Base64Codec(value_end, begins_surely, summary)
_OPENER = _Opener()
_JOBLIB = JoblibCodec()
_PICKLE = PickleCodec()
_COMPRESSED = compressed_codecs(summary)
_JSON = JsonCodec()
_MSGPACK = MsgpackCodec()
_MARSHAL = MarshalCodec()

CODECS: dict[str, Codec] = {
    codec.name: codec
    for codec in (
        _JOBLIB,
        _PICKLE,
        *_COMPRESSED.values(),
        _MARSHAL,
        _MSGPACK,
        _HEADER,
        _JSON,
        _BASE64,
        TextCodec(),
        _FALLBACK,
    )
}
"""By name, the one that is asked first in front; the last takes anything."""

VALUE_ENDS = {_PICKLE.name: dump_end, _MARSHAL.name: marshal_end}
"""Where the values of files end that hold nothing else, by the codec of these."""

_SURE = (_PICKLE.name, *_COMPRESSED, _JSON.name, _BASE64.name)
"""Codecs that are believed in where bytes could be anything."""
