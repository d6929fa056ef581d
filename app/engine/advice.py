"""What to choose for a new database so that it holds more: by options of its format."""

from collections.abc import Iterable
from dataclasses import replace

from app.backends.formats import FORMATS, Option
from app.backends.records import Records
from app.backends.registry import new_writer
from app.backends.writer import CreateOptions, Writer
from app.codecs import registry as codecs


def choosing(option: Option, choice: str | int | bool) -> str:
    """Return what sentences say of a choice; who has options of another look puts them in its place."""
    return f"choose the {option.label.lower()} {choice}"


def repeating(format_id: str) -> Option | None:
    """Return the option by which a format holds keys that come again, None where it has none."""
    return next((option for option in FORMATS[format_id].options if option.name == "duplicates"), None)


def advice_on_size(writer: Writer, options: CreateOptions, records: Records, rows: Iterable[int]) -> str:
    """Return the choice of the smallest pages that hold every refused entry that is too large, or an empty string."""
    option = next((known for known in FORMATS[writer.format_id].options if known.name == "page_size"), None)
    large = [row for row in rows if writer.why_refused(records.key(row), records.size(row))]
    if option is None or not large:
        return ""
    for size in sorted(int(choice) for choice in option.choices):
        larger = new_writer(writer.format_id, replace(options, page_size=size), codecs.VALUE_ENDS)
        if not any(larger.why_refused(records.key(row), records.size(row)) for row in large):
            return choosing(option, size)
    return ""
