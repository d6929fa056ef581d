"""How typed JSON names classes, functions and the keys of dicts: docs/TYPED_JSON.md."""

import math
import re
from base64 import b64encode
from typing import TypeGuard

from app import limits
from app.codecs.global_names import names_for
from app.codecs.literals.decimals import decimal_text
from app.codecs.model import Atom, GlobalName, Items, Value
from app.codecs.nodes import Kind
from app.codecs.plain.scalars import string_json
from app.codecs.typed.objects import global_name
from app.errors import EncodeError

JSON_KEY = "json://"
_PYTHON3 = 4
"""A protocol whose names of classes are Python 3's own."""

_ODD_NAME = re.compile(r"py/|shelfscope/|json://")
_FIRST_TOO_LONG: int = 10**limits.INT_DIGITS
_KEY_PARTS = 100
_KEY_DEPTH = 3
"""Parts and levels of a tuple that is written within a key; larger ones are values in an array of pairs."""


def python3_names(value: GlobalName) -> tuple[str, str] | None:
    """Return module and name as Python 3 has them; None where they would not come back as they are written."""
    names = names_for(value, _PYTHON3)
    back = names_for(GlobalName(*names), _PYTHON3 if value.written_in is None else value.written_in)
    if back != (value.module, value.name) and value.written_in is not None:
        return None
    return names if all(part for name in names for part in name.split(".")) else None


def class_json(names: tuple[str, str], tag: str = "py/type") -> str:
    """Return a class or function by its name, with its module where the name alone does not tell that."""
    dotted = ".".join(names)
    hint = "" if is_plain(names) else f',"shelfscope/module":{string_json(names[0])}'
    return f'{{"{tag}":{string_json(dotted)}{hint}}}'


def is_plain(names: tuple[str, str]) -> bool:
    """Tell whether the dotted name alone says where the module ends."""
    try:
        found = global_name(".".join(names))
    except EncodeError:
        return False
    return names == (found.module, found.name)


def is_short(number: int) -> bool:
    """Tell whether an int is written as a number: a long one would be refused by Python's ``json``."""
    return -_FIRST_TOO_LONG < number < _FIRST_TOO_LONG


def is_plain_key(key: Value) -> TypeGuard[Atom]:
    """Tell whether a key is a text that is its own name in a JSON object."""
    return isinstance(key, Atom) and key.kind is Kind.STR and _ODD_NAME.match(str(key.value)) is None


def key_document(key: Value, shared: set[int], depth: int = _KEY_DEPTH) -> str | None:
    """Return the typed JSON of a key that holds nothing which py/id counts or is in ``shared``; None for any other."""
    match key:
        case Atom():
            return _atom_document(key)
        case Items(kind=Kind.TUPLE, items=items) if depth and len(items) <= _KEY_PARTS and id(key) not in shared:
            found = [key_document(item, shared, depth - 1) for item in items]
            parts = [part for part in found if part is not None]
            return f'{{"py/tuple":[{",".join(parts)}]}}' if len(parts) == len(items) else None
    return None


def _atom_document(key: Atom) -> str | None:
    match key.value:
        case str() as text:
            return string_json(text)
        case None | bool() as word:
            return {None: "null", True: "true", False: "false"}[word]
        case int() as number if key.kind is Kind.INT and is_short(number):
            return decimal_text(number)
        case float() as number if math.isfinite(number):
            return float.__repr__(number)
        case bytes() as octets if key.kind is Kind.BYTES:
            return bytes_json(octets)
    return None


def bytes_json(octets: bytes) -> str:
    return f'{{"py/b64":"{b64encode(octets).decode("ascii")}"}}'


def key_identity(key: Value, document: str) -> str:
    """Return something that is equal for keys which Python holds for equal: 1, 1.0 and True."""
    number = key.value if isinstance(key, Atom) else None
    if isinstance(number, (int, float)) and number == int(number):
        return decimal_text(int(number))
    return document
