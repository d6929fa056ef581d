"""Looking at entries: summaries, trees, texts, bytes and exports, with pending changes as if they were stored."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from app.backends.key_index import KeyIndex
from app.cancel import CancelToken
from app.codecs.base import NodeRow, Summary
from app.document.differences import Differences, differences
from app.document.entry_ids import FIRST_ADDED
from app.document.job import Job, StreamJob
from app.document.opening import OpenEntries
from app.document.pending_change import PendingChange
from app.engine.base import ExportItem, ExportReport
from app.engine.value_calls import DecodeReport, Source, ValueInfo

_SUMMARIES_KEPT = 50_000


class VisibleEntries(OpenEntries):
    """Answers questions about values; nothing is read that nobody asks for."""

    def summaries_job(self, entry_ids: Sequence[int]) -> Job[list[Summary]]:
        wanted = list(entry_ids)
        sources = [self.source(entry_id) for entry_id in wanted]

        def keep(summaries: list[Summary]) -> None:
            for entry_id, summary in zip(wanted, summaries, strict=True):
                self._summaries[entry_id] = summary
            while len(self._summaries) > _SUMMARIES_KEPT:
                self._summaries.popitem(last=False)
            self.entries_changed.emit(wanted)

        return Job("Reading values", lambda token: self._engine.summaries(sources, token), keep)

    def decode_job(self, source: Source) -> Job[ValueInfo]:
        """Decode a value; set ``done`` to what shall happen then."""
        return Job("Decoding", lambda token: self._engine.decode(source, token))

    def decoding_job(self, source: Source) -> StreamJob[DecodeReport]:
        """Decode a large value in slices; set ``item`` to what shall happen with its beginning, and with all of it."""

        def steps(token: CancelToken) -> Iterator[DecodeReport]:
            for report in self._engine.decoding(source, token):
                token.advance(report.done, report.total)
                yield report

        return StreamJob("Decoding", steps, lambda _report: None)

    def rows_job(self, source: Source, node: int, start: int, count: int) -> Job[list[NodeRow]]:
        return Job("Reading", lambda token: self._engine.rows(source, node, start, count, token))

    def text_job(self, source: Source, limit: int) -> Job[str]:
        return Job("Reading", lambda token: self._engine.text(source, limit, token))

    def bytes_job(self, source: Source, start: int, length: int) -> Job[bytes]:
        return Job("Reading", lambda token: self._engine.read(source, start, length, token))

    def edit_text_job(self, source: Source, path: str) -> Job[str]:
        """Fetch the whole scalar at ``path`` as a Python literal, for an editor to start from."""
        return Job("Reading", lambda token: self._engine.edit_text(source, path, token))

    def differences_job(self, entry_id: int) -> Job[Differences]:
        """Return what differs between the stored and the pending value of an entry; nothing where none is pending.

        A renamed entry is compared with the one that it was.
        """
        pending = self.pending(entry_id)
        origin = self.renamed_from(pending) if pending else None
        stored = entry_id if origin is None else self.entry_of(origin)
        before: Source | None = stored if stored is not None and stored < len(self.index) else None
        after = pending.current if pending else None

        def work(token: CancelToken) -> Differences:
            return differences(self._engine, before, after, token) if pending else Differences()

        return Job("Comparing", work)

    def export_job(self, entry_ids: Sequence[int] | None, target: Path, *, lines: bool) -> StreamJob[ExportReport]:
        """Export entries as they are shown (pending changes included), all when None; set ``item`` for progress.

        Deleted ones are left out.
        """
        index, wanted = self.index, None if entry_ids is None else tuple(entry_ids)
        pending, added = self.pending_entries, self.added_entries

        def steps(token: CancelToken) -> Iterator[ExportReport]:
            chosen = (*range(len(index)), *added) if wanted is None else wanted
            items = None if wanted is None and not pending else _export_items(index, chosen, pending)
            yield from self._engine.export(items, str(target), lines=lines, token=token)

        return StreamJob(f"Exporting {self.name}", steps, lambda _report: None)


def _export_items(index: KeyIndex, chosen: Sequence[int], pending: Mapping[int, PendingChange]) -> list[ExportItem]:
    items = []
    for entry_id in chosen:
        change = pending.get(entry_id)
        if change is not None and not change.is_deleted:
            items.append(ExportItem(change.ref.key, change.value))
        elif change is None and entry_id < FIRST_ADDED:
            items.append(ExportItem(index.key(entry_id), entry_id))
    return items
