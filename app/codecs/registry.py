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
        found = _claimed(candidate, data, token)
        if found is not None:
            return found
    return _FALLBACK.decode(data, token), _FALLBACK.sniff(data, whole=True)


def summary(prefix: bytes, size: int) -> Summary:
    """Return what a table cell shows of a value of ``size`` bytes, from its first `limits.SUMMARY_PREFIX` bytes."""
    for codec in CODECS.values():
        found = codec.claimed_summary(prefix, size)
        if found is not None:
            return found
    return _FALLBACK.summary(prefix, size)


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
    return (value, reason) if not value.is_damaged or codec.sniff(data, whole=True) else None


def _named(name: str) -> Codec:
    if name not in CODECS:
        raise DecodeError(f"There is no codec named {name}; there are {', '.join(CODECS)}.")
    return CODECS[name]
