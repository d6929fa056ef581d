"""Comparing node JSON: with a sidecar of the corpus, and with a Python object."""

from collections.abc import Iterator
from typing import Any

from tests.corpus import ValueCase

Json = dict[str, Any]

CLASS_MADE_STATE = {
    "enum": "the member's attributes are made by its class; the pickle calls the class with the value",
    "getstate": "__setstate__ makes the attributes of a state that is no dict",
    "namedtuple": "the attributes are the arguments",
    "reducer": "its callable makes the attributes of arguments, list items and dict items",
    "newargs": "protocols 0 and 1 call a function that makes the attributes",
    "newargs_ex": "protocols 0 to 2 call a function that makes the attributes",
    "state_setter": "a function that is called and thrown away sets the attributes",
    "slots": "a function makes the object in protocols 0 and 1",
    "pathlib": "the path is made of arguments",
}
"""Cases whose sidecar shows what the class made of the pickle, and why the pickle does not hold it so."""

SEEN_THROUGH = ("complex", "bytearray")
"""Kinds that sidecars give as objects with their repr."""

PYTHON3_NAMES = {"__builtin__.len": "builtins.len", "__builtin__.long": "builtins.int", "copy_reg": "copyreg"}
"""Python 3 writes builtins in protocols 0 to 2 under their Python 2 names."""


def disagreements(case: ValueCase, tree: Json) -> Iterator[str]:
    """Yield where ``tree`` says something else than the sidecar; what the sidecar cut is skipped."""
    assert case.expect is not None
    ids: dict[int, int] = {}
    waiting: list[tuple[str, Json, Json]] = [("", case.expect, tree)]
    while waiting:
        where, expected, found = waiting.pop()
        if "ref" in expected:
            if found.get("ref") != ids.get(expected["ref"]):
                yield f"{where}: not the same object: {found}"
            continue
        if "id" in expected and "id" in found:
            ids[expected["id"]] = found["id"]
        if _is_by_name(expected, found):
            continue
        yield from _differences(case, where, expected, found)
        waiting += reversed(list(_children(case, where, expected, found)))


def _is_by_name(expected: Json, found: Json) -> bool:
    """Tell whether the writer saw an object where the pickle names a global (a function, a singleton)."""
    return expected["t"] == "object" and found["t"] == "global" and "state" not in expected


def _differences(case: ValueCase, where: str, expected: Json, found: Json) -> Iterator[str]:
    if expected["t"] == "object" and found["t"] in SEEN_THROUGH:
        if not expected["repr"].startswith(found.get("v", found["t"])):
            yield f"{where}: a {found['t']} instead of {expected['repr']}"
    elif expected["t"] != found["t"]:
        yield f"{where}: {found['t']} instead of {expected['t']}"
    else:
        yield from _other_content(where, expected, found)
        yield from _other_state(case, where, expected, found)


def _other_content(where: str, expected: Json, found: Json) -> Iterator[str]:
    if "v" in expected and not _is_same_number(expected, found):
        yield f"{where}: {found['v']} instead of {expected['v']}"
    if "name" in expected and expected["name"] not in (found["name"], PYTHON3_NAMES.get(found["name"])):
        yield f"{where}: {found['name']} instead of {expected['name']}"
    if "n" in expected and expected["n"] != found["n"]:
        yield f"{where}: {found['n']} long instead of {expected['n']}"
    if "hex" in expected and not found["hex"].startswith(expected["hex"].rstrip(".")):
        yield f"{where}: other content"


def _other_state(case: ValueCase, where: str, expected: Json, found: Json) -> Iterator[str]:
    if _holds_state(expected, found):
        missing = {name for name, _ in expected["state"]} - {name for name, _ in found["state"]}
        if missing:
            yield f"{where}: no attributes {missing}"
    elif expected.get("state") and case.sidecar["case"] not in CLASS_MADE_STATE and "text" not in found:
        yield f"{where}: no state"


def _is_same_number(expected: Json, found: Json) -> bool:
    if expected["t"] in ("int", "long"):
        return int(expected["v"], 0) == int(found["v"])  # sidecars write long numbers in hexadecimal
    return bool(expected["v"] == found["v"])


def _holds_state(expected: Json, found: Json) -> bool:
    return isinstance(expected.get("state"), list) and isinstance(found.get("state"), list)


def _children(case: ValueCase, where: str, expected: Json, found: Json) -> Iterator[tuple[str, Json, Json]]:
    pairs = zip(expected.get("items", ()), found.get("items", ()), strict=False)
    for number, (left, right) in enumerate(pairs):
        if expected["t"] == "dict":
            yield f"{where}[#{number}]<key>", left[0], right[0]
            yield f"{where}[#{number}]", left[1], right[1]
        else:
            yield f"{where}[{number}]", left, right
    if _holds_state(expected, found):
        attributes = dict(found["state"])
        for name, value in expected["state"]:
            if name in attributes:
                yield f"{where}.{name}", value, attributes[name]


def tree_of(value: object) -> Json:
    """Return the node JSON that a pickle of a plain Python object must give, ids left out."""
    match value:
        case None:
            return {"t": "none"}
        case bool():
            return {"t": "bool", "v": value}
        case int() | float() | complex():
            return {"t": type(value).__name__, "v": repr(value)}
        case str():
            return _hex(value.encode("utf-8", "surrogatepass")) | {"t": "str"}
        case bytes() | bytearray():
            return _hex(value)
        case dict():
            items: list[Any] = [[tree_of(key), tree_of(item)] for key, item in value.items()]
        case list() | tuple():
            items = [tree_of(item) for item in value]
        case set() | frozenset():
            items = sorted((tree_of(item) for item in value), key=repr)
        case _:
            raise TypeError(type(value))
    return {"t": type(value).__name__, "n": len(value), "items": items}


def _hex(raw: bytes | bytearray) -> Json:
    return {"t": type(raw).__name__, "hex": raw.hex(), "n": len(raw)}


def without_ids(node: Any) -> Any:
    """Return node JSON without ids, with references resolved; the value must hold no cycle."""
    seen: dict[int, Any] = {}

    def strip(part: Any) -> Any:
        if isinstance(part, list):
            return [strip(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "ref" in part:
            return seen[part["ref"]]
        stripped = {name: strip(item) for name, item in part.items() if name != "id"}
        if stripped.get("t") in ("set", "frozenset"):
            stripped["items"].sort(key=repr)
        if "id" in part:
            seen[part["id"]] = stripped
        return stripped

    return strip(node)
