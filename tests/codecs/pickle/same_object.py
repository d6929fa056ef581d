"""Whether two Python objects are one in type, values, order, sharing and recursion."""

from typing import Any

_CONTAINERS = (list, tuple, dict, set, frozenset, bytearray)


def is_same_object(one: Any, other: Any) -> bool:
    """Tell whether both trees have equal scalars of equal types, and share containers in the same places."""
    partners: dict[int, int] = {}
    taken: dict[int, int] = {}
    waiting = [(one, other)]
    while waiting:
        left, right = waiting.pop()
        if type(left) is not type(right):
            return False
        if isinstance(left, _CONTAINERS) and not (isinstance(left, (tuple, frozenset)) and not left):
            if id(left) in partners or id(right) in taken:
                if partners.get(id(left)) != id(right) or taken.get(id(right)) != id(left):
                    return False
                continue
            partners[id(left)], taken[id(right)] = id(right), id(left)
        if not _is_alike(left, right):
            return False
        waiting += _parts(left, right)
    return True


def _is_alike(left: Any, right: Any) -> bool:
    if isinstance(left, (list, tuple, dict)):
        return len(left) == len(right)
    if isinstance(left, (set, frozenset)):
        return bool(left == right)
    return repr(left) == repr(right)


def _parts(left: Any, right: Any) -> list[tuple[Any, Any]]:
    if isinstance(left, dict):
        return [*zip(left, right, strict=True), *zip(left.values(), right.values(), strict=True)]
    return list(zip(left, right, strict=True)) if isinstance(left, (list, tuple)) else []
