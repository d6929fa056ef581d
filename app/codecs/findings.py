"""What else can be told of a value beside its tree: opcodes, calls, places that match. Plain data."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Risk(StrEnum):
    """What a real unpickler's call could do."""

    HARMLESS = "harmless"
    UNKNOWN = "unknown"
    DANGEROUS = "dangerous"


@dataclass(frozen=True, slots=True)
class NamedGlobal:
    """A class or function that a pickle names: ``module.name``, the path where it stands, the opcode's offset.

    ``risk`` is that of calling it.
    """

    name: str
    path: str
    offset: int
    risk: Risk = Risk.UNKNOWN


@dataclass(frozen=True, slots=True)
class Call:
    """A call that a real unpickler would make, in the order in which it would; ``why`` explains the risk."""

    callable: str
    path: str
    offset: int
    risk: Risk
    why: str


@dataclass(frozen=True, slots=True)
class Audit:
    """All that a value names and would call. ``more`` counts calls and names beyond the cap.

    ``gaps`` are sentences on what of the value could not be followed, ``behind`` is what opcodes there name; what they
    would call is not known.
    """

    globals: tuple[NamedGlobal, ...] = ()
    calls: tuple[Call, ...] = ()
    more: int = 0
    behind: tuple[NamedGlobal, ...] = ()
    gaps: tuple[str, ...] = ()

    @staticmethod
    def joined(audits: Iterable["Audit"]) -> "Audit":
        """Return what several tell, in their order."""
        parts = tuple(audits)
        return Audit(
            tuple(named for part in parts for named in part.globals),
            tuple(call for part in parts for call in part.calls),
            sum(part.more for part in parts),
            tuple(named for part in parts for named in part.behind),
            tuple(gap for part in parts for gap in part.gaps),
        )

    def within(self, prefix: str) -> "Audit":
        """Return the audit of a value that stands inside of another at the path ``prefix``."""
        if not prefix:
            return self
        return Audit(
            tuple(replace(named, path=prefix + named.path) for named in self.globals),
            tuple(replace(call, path=prefix + call.path) for call in self.calls),
            self.more,
            tuple(replace(named, path=prefix + named.path) for named in self.behind),
            tuple(f"{prefix}: {gap}" for gap in self.gaps),
        )


@dataclass(frozen=True, slots=True)
class OpcodeRow:
    """One opcode of a listing; texts are escaped for the screen.

    ``depth`` is the number of objects and marks on the stack before it, ``builds`` what it makes and where that goes,
    ``node`` the row handle of what it pushes or changes, or -1, and ``path`` the place of that, or what is around it.
    """

    offset: int
    size: int
    name: str
    argument: str
    depth: int
    builds: str
    node: int = -1
    path: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for in keys and scalars of values: a text as it is, or a regular expression."""

    pattern: str
    is_regex: bool = False
    ignores_case: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A place that matches: its path and its text, escaped for the screen and cut around the match."""

    path: str
    text: str
