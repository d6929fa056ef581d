"""What a person is told of each format that can be written, and of what can be chosen for it."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from app.backends.formats import Format, Option, writable_in_order

DEFAULT_FORMAT = "sqlite3"
_CHOICES: Mapping[tuple[str, str | int | bool], str] = MappingProxyType(
    {
        ("byte_order", "little"): "Little-endian",
        ("byte_order", "big"): "Big-endian",
        ("duplicates", ""): "Not allowed",
        ("duplicates", "unsorted"): "In the order of adding",
        ("duplicates", "sorted"): "Sorted by value",
        ("numsync", False): "No",
        ("numsync", True): "Yes",
    }
)


def writable_formats(*, empty: bool = False) -> Iterator[Format]:
    """Yield the formats of new databases in the order in which they are offered; ``empty``: those without entries."""
    return (form for form in writable_in_order() if form.can_be_empty or not empty)


def offered_choices(option: Option) -> Sequence[str | int | bool]:
    """Return the choices of an option as they are listed: sizes by size, others with the default first."""
    return sorted(option.choices, key=int) if type(option.choices[0]) is int else option.choices


def choice_text(option: str, value: str | int | bool) -> str:
    """Return what a person reads for a value of an option."""
    known = _CHOICES.get((option, value))
    if known is not None:
        return known
    return f"{value:,} bytes" if isinstance(value, int) else value


def offered_text(option: Option, choice: str | int | bool) -> str:
    """Return how a choice is listed: among sizes, which one is taken unless told is not seen by its place."""
    text = choice_text(option.name, choice)
    is_marked = type(choice) is int and choice == option.choices[0]
    return f"{text} (default)" if is_marked else text
