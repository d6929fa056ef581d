"""Which value is shown."""

from dataclasses import dataclass

from app.engine.value_calls import Source


@dataclass(frozen=True, slots=True, eq=False)
class ShownValue:
    """Which value is shown; an answer to a question about another one is dropped."""

    entry_id: int
    source: Source
    size: int
    can_edit: bool = False
