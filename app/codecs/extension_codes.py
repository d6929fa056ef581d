"""Names of copyreg's extension codes, which no file holds: a table that the user gives, one for the process.

References:
    CPython's Lib/copyreg.py, ``add_extension``; a code is 1 to 0x7FFFFFFF.
"""

import json
import re
from collections.abc import Mapping

from app.errors import DecodeError

_MAX_CODE = 0x7FFFFFFF
_MAX_NAMES = 100_000
_LINE = re.compile(r"(?P<code>\d{1,10})[\s=:,]+(?P<name>\S+)")
_NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)+")
_names: dict[int, str] = {}


def name_extensions(table: Mapping[int, str]) -> None:
    """Take the names, ``module.name`` by code, in place of all that were there."""
    _names.clear()
    _names.update(table)


def extension_name(code: int) -> str:
    """Return ``module.name`` of a code, empty where nobody named it."""
    return _names.get(code, "")


def extension_table(text: str) -> dict[int, str]:
    """Return the table that a text holds: a JSON object, or a code and a name a line with # before remarks.

    Raises:
        DecodeError: it holds something else; says where.
    """
    pairs = _json_pairs(text) if text.lstrip().startswith("{") else _line_pairs(text)
    if len(pairs) > _MAX_NAMES:
        raise DecodeError(f"A table of extension codes has at most {_MAX_NAMES:,} names.")
    for code, name in pairs.items():
        if not 0 < code <= _MAX_CODE or not _NAME.fullmatch(name):
            raise DecodeError(f"{code} {name!a} is no extension code with its module.name.")
    return pairs


def _json_pairs(text: str) -> dict[int, str]:
    try:
        return {int(code): str(name) for code, name in json.loads(text).items()}
    except (ValueError, RecursionError) as error:
        raise DecodeError("The table of extension codes is no JSON object of codes and names.") from error


def _line_pairs(text: str) -> dict[int, str]:
    pairs: dict[int, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        found = _LINE.fullmatch(content)
        if found is None:
            raise DecodeError(f"Line {number:,} of the table of extension codes is not like '7 shop.models.Order'.")
        pairs[int(found["code"])] = found["name"]
    return pairs
