"""JSON text of plain data of any depth; `json` recurses and gives up where a file nests deeply."""

import json
from collections.abc import Iterator
from typing import Any

_BATCH = 4096
"""Parts joined into one piece."""

_encode = json.JSONEncoder(ensure_ascii=False).encode
_quote = json.encoder.encode_basestring


def json_pieces(root: Any) -> Iterator[str]:
    """Yield the JSON text of dicts, lists and scalars in pieces, on one line."""
    try:
        text = _encode(root)
    except RecursionError:
        yield from _deep_pieces(root)
    else:
        yield text


def _deep_pieces(root: Any) -> Iterator[str]:
    """Yield the text without recursion: the containers that are open stand in a list.

    One loop for speed, as a hostile value has 100,000 nodes.
    """
    batch: list[str] = []
    open_parts: list[Iterator[Any]] = [iter([root])]
    closers = [""]
    before = ""
    while open_parts:
        is_dict = closers[-1] == "}"
        for part in open_parts[-1]:
            if is_dict:
                name, value = part
                before = f"{before}{_quote(name)}: "
            else:
                value = part
            if isinstance(value, dict):
                opener, closer, parts = "{", "}", iter(value.items())
            elif isinstance(value, list | tuple):
                opener, closer, parts = "[", "]", iter(value)
            else:
                batch.append(before + _scalar(value))
                before = ", "
                continue
            batch.append(before + opener)
            closers.append(closer)
            open_parts.append(parts)
            before = ""
            break
        else:
            open_parts.pop()
            batch.append(closers.pop())
            before = ", "
        if len(batch) >= _BATCH:
            yield "".join(batch)
            batch.clear()
    yield "".join(batch)


def _scalar(value: Any) -> str:
    """Return what ``_encode`` would, which is slow for numbers."""
    if isinstance(value, str):
        return _quote(value)
    if type(value) is int:
        return str(value)
    return _encode(value)
