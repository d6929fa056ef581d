"""Editing entries: every edit is worked out by a job, laid over, and can be undone."""

from collections.abc import Callable, Mapping, Sequence

from app.backends.changes import key_text
from app.backends.key_index import KeyIndex
from app.cancel import CancelToken
from app.codecs.edits import Edit as ValueEdit
from app.codecs.edits import New
from app.document.draft import Draft, Edited
from app.document.entry_ids import FIRST_ADDED
from app.document.history import EntryRef
from app.document.job import Job
from app.document.looking import VisibleEntries
from app.document.new_bytes import FileBytes, new_bytes
from app.document.sparing import spared
from app.engine.value_calls import Source
from app.errors import DocumentError


class EditableEntries(VisibleEntries):
    """Changes, adds, renames and deletes entries; nothing is written before a save."""

    # ---- one value

    def edit_job(self, entry_id: int, edit: ValueEdit, title: str) -> Job[Edited]:
        """Edit a place in a value; fails with the reason, changing nothing."""
        path = getattr(edit, "path", "")
        return self._value_job(entry_id, lambda source, token: self._engine.edit(source, edit, token), title, path=path)

    def literal_job(self, entry_id: int, path: str, literal: str) -> Job[Edited]:
        """Replace the scalar at ``path`` by a Python literal of its type; fails with the reason, changing nothing."""
        return self._value_job(
            entry_id,
            lambda source, token: self._engine.replace(source, path, literal, token),
            f"Edit of {path or 'the value'}",
            path=path,
        )

    def set_bytes_job(self, entry_id: int, value: bytes, title: str = "New bytes") -> Job[Edited]:
        """Give an entry a whole new value."""
        return self._value_job(entry_id, lambda _source, _token: value, title)

    def _value_job(
        self, entry_id: int, make: Callable[[Source, CancelToken], bytes], title: str, *, path: str = ""
    ) -> Job[Edited]:
        locate = self._locator(entry_id)

        def work(draft: Draft) -> Edited:
            ref = locate(draft)
            draft.put(ref, draft.value(ref), make(draft.source(ref), draft.token))
            return draft.edited(title, path)

        return self._edit_job("Editing", work)

    def _locator(self, entry_id: int) -> Callable[[Draft], EntryRef]:
        """Return what names an entry in a draft and finds its place; counting equal keys takes a while."""
        self._refuse_deleted(entry_id)
        if self.may_repeat or self.is_numbered:
            self._refuse_while_reading()
        known, index = self._pending.ids.ref(entry_id), self.index

        def locate(draft: Draft) -> EntryRef:
            ref = known or EntryRef(index.key(entry_id), index.nth(entry_id))
            draft.locate_one(ref, entry_id, index)
            draft.refuse_gone(ref)
            return ref

        return locate

    def _refuse_deleted(self, entry_id: int) -> None:
        pending = self.pending(entry_id)
        if pending is not None and pending.is_deleted:
            raise DocumentError(f"{key_text(pending.ref.key)} is deleted; revert that first, then it can be edited.")

    # ---- new entries

    def add_job(
        self, key: bytes, new: New | FileBytes, *, replaces: bool = False, as_pickle: bool | None = None
    ) -> Job[Edited]:
        """Add an entry; bytes are its value as they are, anything else is written as the database's values are.

        A key that is there is refused where keys come once, or, if ``replaces``, gets the value.
        """

        def value(draft: Draft) -> bytes:
            return new_bytes(self._engine, self.name, new, draft.token, as_pickle=as_pickle)

        return self._adding_job(f"Addition of {key_text(key)}", key, value, replaces=replaces)

    def duplicate_job(self, entry_id: int, key: bytes, *, replaces: bool = False) -> Job[Edited]:
        """Add a copy of an entry's current value under another key; one that is there as by `add_job`."""
        locate = self._locator(entry_id)

        def value(draft: Draft) -> bytes:
            return draft.value(locate(draft)) or b""

        return self._adding_job(f"Copy to {key_text(key)}", key, value, replaces=replaces)

    def _adding_job(
        self, title: str, key: bytes, make: Callable[[Draft], bytes], *, replaces: bool = False
    ) -> Job[Edited]:
        ref = self._new_ref(key)

        def work(draft: Draft) -> Edited:
            if not replaces:
                draft.snapshot.refuse_taken((key,))
            value = make(draft)
            draft.snapshot.refuse_unstorable(((key, value),), draft.token)
            draft.locate([ref])
            before = draft.value(ref)
            draft.put(ref, before, value)
            return draft.edited(title if before is None else f"Replacement of {key_text(key)}")

        return self._edit_job("Adding", work, needs_keys=True)

    # ---- entries as they are

    def rename_job(self, entry_id: int, key: bytes, *, replaces: bool = False) -> Job[Edited]:
        """Give an entry another key, one that is there as by `add_job`; not a byte of its value changes."""
        locate, new_ref, old_key = self._locator(entry_id), self._new_ref(key), self.key(entry_id)

        def work(draft: Draft) -> Edited:
            old = locate(draft)
            draft.locate([new_ref])
            if key != old.key:
                value, origin = draft.value(old), draft.origin(old)
                if not replaces:
                    draft.snapshot.refuse_taken((key,))
                draft.snapshot.refuse_unstorable(((key, value or b""),), draft.token)
                draft.put(old, value, None, partner=new_ref)
                draft.put(new_ref, draft.value(new_ref), value, old, None if origin == new_ref else origin)
            return draft.edited(f"Rename of {key_text(old_key)} to {key_text(key)}")

        return self._edit_job("Renaming", work, needs_keys=True)

    def delete_job(self, entry_ids: Sequence[int]) -> Job[Edited]:
        """Delete entries in one edit; those that were added go at once, others stay in sight until the save."""
        if self.may_repeat or self.is_numbered:
            self._refuse_while_reading()
        ids, index = list(dict.fromkeys(entry_ids)), self.index
        many = f"{len(ids):,} entries" if len(ids) != 1 else key_text(self.key(ids[0]))

        def work(draft: Draft) -> Edited:
            with spared(len(ids)):
                self._delete(draft, ids, index)
                return draft.edited(f"Deletion of {many}")

        return self._edit_job(f"Deleting {many}", work)

    def _delete(self, draft: Draft, ids: Sequence[int], index: KeyIndex) -> None:
        known = {id_: ref for id_ in ids if (ref := self._pending.ids.ref(id_)) is not None}
        for number, (entry_id, ref) in enumerate(_refs(ids, known, index, may_repeat=draft.snapshot.may_repeat)):
            draft.token.advance(number, len(ids))
            draft.locate_one(ref, entry_id, index)
            draft.put(ref, draft.value(ref), None)

    # ---- taking changes back

    def revert_job(self, entry_id: int) -> Job[Edited] | None:
        """Take a pending change, or both halves of a rename, back to what is stored; an edit that can be undone."""
        pending = self.pending(entry_id)
        if pending is None:
            return None
        partner = self._pending.partner(pending)
        return self._revert_job([pending.ref, *([partner.ref] if partner else [])], "Revert")

    def revert_all_job(self) -> Job[Edited] | None:
        """Take all pending changes back in one edit; None where there are none."""
        refs = list(self._pending.changes)
        return self._revert_job(refs, "Revert of all changes") if refs else None

    def _revert_job(self, refs: Sequence[EntryRef], title: str) -> Job[Edited]:
        if not self.is_indexed and any(self._pending.ids.get(ref) is None for ref in refs):
            self._refuse_while_reading()
        index = self.index

        def work(draft: Draft) -> Edited:
            with spared(len(refs)):
                self._revert(draft, refs, index)
                return draft.edited(title)

        return self._edit_job("Reverting", work)

    def _revert(self, draft: Draft, refs: Sequence[EntryRef], index: KeyIndex) -> None:
        known = {ref: id_ for ref in refs if (id_ := self._pending.ids.get(ref)) is not None}
        for number, ref in enumerate(refs):
            draft.token.advance(number, len(refs))
            draft.locate_one(ref, known.get(ref, FIRST_ADDED), index)
            entry_id = draft.places.get(ref)
            draft.revert(ref, None if entry_id is None else draft.snapshot.stored(entry_id, draft.token))

    # ---- laying over

    def _edit_job(self, title: str, work: Callable[[Draft], Edited], *, needs_keys: bool = False) -> Job[Edited]:
        def prepared(token: CancelToken) -> Edited:
            return self._prepared(work(Draft(self._snapshot(), self._spill, token)))

        return Job(title, prepared, self._on_edited, edits=True, lays_over=True, needs_keys=needs_keys)

    def _on_edited(self, edited: Edited) -> None:
        self._lay_over(edited)
        if edited.edit.steps:
            self.history.push(edited.edit)


def _refs(
    ids: Sequence[int], known: Mapping[int, EntryRef], index: KeyIndex, *, may_repeat: bool
) -> list[tuple[int, EntryRef]]:
    """Return the entries of these ids under their names; where keys repeat, with one look through all keys."""
    keys = {entry_id: index.key(entry_id) for entry_id in ids if entry_id not in known}
    if not may_repeat:
        return [(entry_id, known.get(entry_id) or EntryRef(keys[entry_id])) for entry_id in ids]
    stored = index.find_all(set(keys.values())).values()
    named = {
        entry_id: EntryRef(keys[entry_id], nth)
        for same in stored
        for nth, entry_id in enumerate(same)
        if entry_id in keys
    }
    return [(entry_id, known.get(entry_id) or named[entry_id]) for entry_id in ids]
