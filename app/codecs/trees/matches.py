"""What a search shows of one node that matches, whatever format the node is of."""

from app.codecs.known.base import Known, PlainArray, PlainPairs, PlainText
from app.codecs.known.registry import describe
from app.codecs.literals.decimals import decimal_text
from app.codecs.matching import Matcher
from app.codecs.nodes import SCALARS, Kind, PickleNodes
from app.errors import CodecError


def shown_match(nodes: PickleNodes, target: int, matcher: Matcher) -> str:
    """Return what is shown of a scalar, class or known object that matches, empty where it does not.

    Nothing is found in what is damaged, nor in a number that is too large to be read.
    """
    try:
        return _match(nodes, target, matcher)
    except CodecError:
        return ""


def _match(nodes: PickleNodes, target: int, matcher: Matcher) -> str:
    kind = nodes.kind(target)
    if kind is Kind.OBJECT:
        known = describe(nodes, target)
        return "" if known is None else _match_known(known, matcher)
    if kind is Kind.GLOBAL:
        hit = matcher.hits_text("", nodes.global_name(target))
    elif kind in SCALARS:
        value = nodes.scalar(target)
        if isinstance(value, bytes):
            hit = matcher.hits_bytes("", value)
        else:
            hit = matcher.hits_text("", value if isinstance(value, str) else _number_text(value))
    else:
        return ""
    return "" if hit is None else hit.text or "''"


def _number_text(value: object) -> str:
    return decimal_text(value) if type(value) is int else repr(value)


def _match_known(known: Known, matcher: Matcher) -> str:
    """Return what is shown of a known object that matches; of one that holds others, they are told of themselves."""
    if isinstance(known.plain, PlainArray | PlainPairs):
        return ""
    texts: list[str] = [known.text]
    if isinstance(known.plain, PlainText):
        texts.append(known.plain.text)
    hit = next(filter(None, (matcher.hits_text("", text) for text in texts)), None)
    return "" if hit is None else hit.text
