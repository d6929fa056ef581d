"""Parsed pickles for the tests of what stands on them, and a JSON reader that takes nothing but RFC 8259."""

import json
from typing import Any

from app.cancel import CancelToken
from app.codecs.known.base import Known
from app.codecs.known.registry import describe
from app.codecs.nodes import PickleNodes
from app.codecs.pickle.graph import parse
from app.codecs.plain.writing import plain_pieces


def nodes_of(data: bytes) -> PickleNodes:
    return parse(data, 0, CancelToken())


def known(data: bytes) -> Known | None:
    """Return what the root of a pickle is."""
    nodes = nodes_of(data)
    return describe(nodes, nodes.root)


def plain_text(data: bytes) -> str:
    """Return plain JSON in which a reference names its slot."""
    nodes = nodes_of(data)
    return "".join(plain_pieces(nodes, nodes.root, lambda slot: f"slot {slot}", CancelToken()))


def plain(data: bytes) -> Any:
    return strict_json(plain_text(data))


def strict_json(text: str) -> Any:
    """Return what a JSON text says; Python's own constants and repeated names are errors, and so is a line break."""
    assert "\n" not in text
    text.encode("utf-8")
    return json.loads(text, parse_constant=_refuse, object_pairs_hook=_distinct)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({name for name, _ in pairs}) == len(pairs), pairs
    return dict(pairs)
