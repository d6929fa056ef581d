"""Arrays, objects and calls of typed JSON as parts: text, and the values that stand between."""

from collections.abc import Iterable, Iterator, Sequence

from app.codecs.model import Atom, Value

Part = str | Value
"""JSON text as it is, or a value that is to be written there."""

Pair = tuple[Value, Value]


def listed(values: Iterable[Value]) -> Iterator[Part]:
    """Yield an array that py/id does not count."""
    separator = "["
    for value in values:
        yield separator
        yield value
        separator = ","
    yield "[]" if separator == "[" else "]"


def members(names: Sequence[str], pairs: Sequence[Pair]) -> Iterator[Part]:
    separator = "{"
    for name, (_, value) in zip(names, pairs, strict=True):
        yield f"{separator}{name}:"
        yield value
        separator = ","
    yield "}" if pairs else "{}"


def called(name: str, args: str) -> str:
    return f'{{"py/reduce":[{{"py/type":"builtins.{name}"}},{{"py/tuple":[{args}]}}]}}'


def hexadecimal(number: int) -> str:
    return f'"{number:#x}",16'


def size_of(atom: Atom) -> int:
    """Return about how many characters a scalar takes."""
    match atom.value:
        case str() | bytes() as content:
            return len(content)
        case int() as number:
            return number.bit_length() // 4
    return 0
