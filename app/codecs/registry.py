"""Which codec reads a value: candidates ranked, each with its reason."""

from dataclasses import dataclass

from app import limits
from app.cancel import CancelToken
from app.codecs.base import Codec, DecodedValue, Summary
from app.codecs.pickle.codec import PickleCodec
from app.codecs.pickle.recognise import value_end
from app.codecs.raw import RawCodec
from app.codecs.text import TextCodec
from app.errors import DecodeError

__all__ = ["CODECS", "Guess", "decode", "sniff", "summary", "value_end"]

_FALLBACK = RawCodec()

CODECS: dict[str, Codec] = {codec.name: codec for codec in (PickleCodec(), TextCodec(), _FALLBACK)}
"""By name, the one that is asked first in front; the last takes anything."""


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
        return _named(codec).decode(data, token), "It was chosen by name."
    for candidate in CODECS.values():
        reason = _reason(candidate, data)
        value = _tried(candidate, data, token) if reason else None
        if value is not None:
            return value, reason
    return _FALLBACK.decode(data, token), _FALLBACK.sniff(data, whole=True)


def summary(prefix: bytes, size: int) -> Summary:
    """Return what a table cell shows of a value of ``size`` bytes, from its first `limits.SUMMARY_PREFIX` bytes."""
    best = sniff(prefix, size)[0]
    return CODECS[best.codec].summary(prefix, size)


def _reason(codec: Codec, data: bytes) -> str:
    """Return why a codec claims a value; the whole of it is looked at only where its beginning says nothing."""
    prefix = data[: limits.SUMMARY_PREFIX]
    if len(prefix) == len(data):
        return codec.sniff(data, whole=True)
    return codec.sniff(prefix, whole=False) or codec.sniff(data, whole=True)


def _tried(codec: Codec, data: bytes, token: CancelToken) -> DecodedValue | None:
    """Return the value, or None when the codec was wrong about its beginning."""
    try:
        value = codec.decode(data, token)
    except DecodeError:
        return None
    return value if not value.is_damaged or codec.sniff(data, whole=True) else None


def _named(name: str) -> Codec:
    if name not in CODECS:
        raise DecodeError(f"There is no codec named {name}; there are {', '.join(CODECS)}.")
    return CODECS[name]
