"""Searching damaged databases, and what may come out."""

from pathlib import Path
from typing import NamedTuple

from app.backends.registry import recognise, salvager_for
from app.backends.salvage import Found, Origin, Salvage
from app.cancel import CancelToken
from app.codecs.pickle.recognise import value_end
from tests.corpus import DatabaseCase

Pair = tuple[bytes | None, bytes]


class Salvaged(NamedTuple):
    """What a search found, and what it had to say."""

    found: list[Found]
    reports: list[str]

    def pairs(self, *origins: Origin) -> list[Pair]:
        """Return keys and values of some origins (of all when none is named)."""
        return [(one.key, one.value) for one in self.found if not origins or one.origin in origins]


def salvaged(path: Path, *, deleted: bool = False, format_id: str = "", base: Path | None = None) -> Salvaged:
    """Search a database that is recognised, or of the format that is named."""
    reports: list[str] = []
    if not format_id:
        match = recognise(path, value_end)
        format_id, base = match.format_id, match.base
    search = Salvage(
        path, base or path, deleted, value_end, lambda sentence, _offset: reports.append(sentence), CancelToken()
    )
    return Salvaged(list(salvager_for(format_id)(search)), reports)


def is_of_the_original(case: DatabaseCase, found: Found) -> bool:
    """Tell whether an entry was in the undamaged database; of one without a key, whether its value was."""
    if found.key is not None:
        return case.knows(found.key, found.value)
    return any(case.knows(entry.key, found.value) for entry in case.entries) or any(
        entry.matches(entry.key, found.value) for entry in case.entries
    )
