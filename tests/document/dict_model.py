"""What a document whose keys come once must hold, as dicts: for the state machines that compare both."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

State = bytes | None
Made = dict[bytes, tuple[State, State]]
"""An edit: the value of each key before and after it."""


@dataclass(slots=True)
class DictModel:
    """The entries of a database, in the file and with the edits that are not saved, and what can be undone.

    ``stored`` is in the file, ``base`` is what the document knows to be stored, ``current`` what it shows.
    """

    stored: dict[bytes, bytes]
    base: dict[bytes, bytes] = field(init=False)
    current: dict[bytes, bytes] = field(init=False)
    done: list[Made] = field(default_factory=list)
    undone: list[Made] = field(default_factory=list)
    saved_edits: int = 0
    """How many of the edits that are done were saved; where some were forgotten since, that many at most."""

    def __post_init__(self) -> None:
        self.base, self.current = dict(self.stored), dict(self.stored)

    # ---- edits

    def note(self, made: Mapping[bytes, tuple[State, State]]) -> None:
        """Make an edit."""
        changed = {key: (before, after) for key, (before, after) in made.items() if before != after}
        self._apply({key: after for key, (_before, after) in made.items()})
        if changed:
            self.done.append(changed)
            self.undone.clear()

    def put(self, values: Mapping[bytes, State]) -> None:
        """Give keys values in one edit; None takes them away."""
        self.note({key: (self.current.get(key), value) for key, value in values.items()})

    def revert(self, keys: Collection[bytes]) -> None:
        """Take keys back to what is stored, in one edit."""
        self.put({key: self.stored.get(key) for key in keys})

    def _apply(self, values: Mapping[bytes, State]) -> None:
        for key, value in values.items():
            self.current.pop(key, None)
            if value is not None:
                self.current[key] = value
            self._settle(key)

    def _settle(self, key: bytes) -> None:
        """What nothing is pending for is what is stored, also where that is not what the edits began with."""
        if self.current.get(key) in (self.base.get(key), self.stored.get(key)):
            for values in (self.current, self.base):
                _take_over(values, self.stored, key)

    # ---- back and forth

    def undo(self) -> None:
        made = self.done.pop()
        self.undone.append(made)
        self._step({key: (after, before) for key, (before, after) in made.items()})

    def redo(self) -> None:
        made = self.undone.pop()
        self.done.append(made)
        self._step(made)

    def _step(self, made: Made) -> None:
        unfit = {key for key, (before, _after) in made.items() if self.current.get(key) != before}
        self._apply({key: after for key, (_before, after) in made.items() if key not in unfit})
        self._drop(unfit)

    def _drop(self, keys: Collection[bytes]) -> None:
        for stack in (self.done, self.undone):
            stack[:] = [left for made in stack if (left := {key: made[key] for key in made.keys() - keys})]

    # ---- the file

    def conflicts(self, pending: Collection[bytes]) -> set[bytes]:
        """Return the pending keys that another program changed as well."""
        return {key for key in pending if self.stored.get(key) != self.base.get(key)}

    def save(self, pending: Collection[bytes]) -> None:
        for key in pending:
            _take_over(self.stored, self.current, key)
        self.saved_edits = len(self.done)

    def reload(self, pending: Collection[bytes]) -> None:
        """Take over what is stored, under what is pending and was not stored by another program just so."""
        kept = {key for key in pending if self.current.get(key) != self.stored.get(key)}
        for key in (self.stored.keys() | self.base.keys() | self._touched()) - kept:
            if self.stored.get(key) != self._left_by_edits(key):
                self._drop({key})
            self._apply({key: self.stored.get(key)})
        self._rebase(kept)

    def _rebase(self, kept: Collection[bytes]) -> None:
        """Know what is stored of all keys but these."""
        for key in (self.base.keys() | self.stored.keys()) - set(kept):
            _take_over(self.base, self.stored, key)

    def _touched(self) -> set[bytes]:
        return {key for made in (*self.done, *self.undone) for key in made}

    def _left_by_edits(self, key: bytes) -> State:
        """Return the value that a key has when all edits that are done, and no others, were made to it."""
        done = [made[key][1] for made in self.done if key in made]
        undone = [made[key][0] for made in self.undone if key in made]
        return done[-1] if done else undone[-1] if undone else self.stored.get(key)

    def resolve(self, key: bytes, *, is_mine: bool) -> None:
        """Decide whose value a key in conflict gets, in one edit; nothing leads to what was there before theirs."""
        mine, theirs = self.current.get(key), self.stored.get(key)
        self._drop({key})
        _take_over(self.base, self.stored, key)
        self.done.append({key: (theirs, mine) if is_mine else (mine, theirs)})
        self.undone.clear()
        if not is_mine:
            self._apply({key: theirs})

    # ---- another start

    def forget_edits(self) -> None:
        """Be a document that was opened anew, with nothing pending."""
        self.base, self.current = dict(self.stored), dict(self.stored)
        self.done, self.undone = [], []
        self.saved_edits = 0

    def restore(self, pending: Collection[bytes]) -> None:
        """Be a document that was opened anew, to which what was pending was restored in one edit."""
        wanted = {key: self.current.get(key) for key in pending}
        base = self.base
        self.forget_edits()
        self.put(wanted)
        for key in (key for key, value in wanted.items() if value != self.stored.get(key)):
            _take_over(self.base, base, key)


def _take_over(values: dict[bytes, bytes], others: Mapping[bytes, bytes], key: bytes) -> None:
    """Let a key have the value, or none, that it has in other values."""
    values.pop(key, None)
    if key in others:
        values[key] = others[key]
