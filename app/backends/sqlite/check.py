"""What SQLite's own check of a file says, in our words."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from app.backends.base import Problem

_LIMIT: Final = 100
CHECK: Final = f"PRAGMA integrity_check({_LIMIT})"
PAGE_SIZE: Final = "PRAGMA page_size"

_PAGE: Final = re.compile(r"\b[Pp]age (\d{1,10})\b")
_OWN_WORDS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...]] = (
    (re.compile(r"Page (\d+)(?:: | is )never used"), lambda found: f"Page {found[1]} is used by nothing."),
    (re.compile(r".*2nd reference to page (\d+)"), lambda found: f"Page {found[1]} is used twice."),
    (re.compile(r"row (\d+) missing from index .*"), lambda found: f"Row {found[1]} cannot be found by its key."),
    (
        re.compile(r"wrong # of entries in index .*"),
        lambda _: "The index of the keys has another number of entries than the table has rows.",
    ),
    (re.compile(r"non-unique entry in index .*"), lambda _: "A key is there more than once."),
    (re.compile(r"NULL value in Dict\.(\w+)"), lambda found: f"A row has no {found[1]}."),
    (
        re.compile(r".*Rowid (-?\d+) out of order.*"),
        lambda found: f"Row {found[1]} stands in a wrong place of the table.",
    ),
)


def problems_of(answers: Iterator[bytes], page_size: int) -> Iterator[Problem]:
    """Yield what the rows of `CHECK` say is wrong, each with the offset of the page that it names."""
    count = 0
    for answer in answers:
        for line in answer.decode("utf-8", "backslashreplace").splitlines():
            if line and line != "ok" and not line.startswith("***"):
                count += 1
                page = _PAGE.search(line)
                yield Problem(_sentence(line), (int(page[1]) - 1) * page_size if page and int(page[1]) else None)
    if count >= _LIMIT:
        yield Problem("SQLite's check found more than is listed here.")


def _sentence(line: str) -> str:
    for pattern, words in _OWN_WORDS:
        if found := pattern.fullmatch(line):
            return words(found)
    shown = line.encode("unicode_escape").decode("ascii")
    return f"SQLite's own check of the file says: {shown[:300]}."
