"""A value together with the values inside of it: in its bytes, within a compression, behind a header.

Many decoded values become one tree: rows lead on into what is inside, paths have the step ``<content>`` there, and
an edit within is written outwards through everything that is around it.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from app import limits
from app.cancel import CancelToken
from app.codecs.as_pickle import names_as_pickle, with_others
from app.codecs.base import DecodedValue, Inside, NodeRow
from app.codecs.edits import ChangeProtocol, DeleteNodes, Edit, RenameGlobal
from app.codecs.findings import Audit, Hit, OpcodeRow, Query
from app.codecs.model import Value
from app.codecs.rooms import Opener, Rooms, handle_of, prefix_of, room_and_node
from app.errors import CodecError, EncodeError, PathError


class ContentValue(DecodedValue):
    """A value whose insides are opened when a row or a path goes into them."""

    codec = ""

    def __init__(self, value: DecodedValue, opener: Opener) -> None:
        super().__init__(value.data)
        self.why_cut = value.why_cut
        self.outer = value
        self.codec = value.codec
        self._rooms = Rooms(value, opener)

    @property
    def problems(self) -> tuple[str, ...]:
        return self.outer.problems

    @property
    def is_damaged(self) -> bool:
        return self._rooms.found("", whole=True)[0].is_damaged

    @property
    def damage_met(self) -> str:
        return self._rooms.damage_met

    # ---- rows

    @property
    def root(self) -> NodeRow:
        return self._row(0, self.outer.root)

    def _row(self, room: int, row: NodeRow) -> NodeRow:
        insides = self._rooms.insides(room, row.node)
        read_only = self._rooms[room].why_read_only
        row = replace(row, node=handle_of(room, row.node), count=row.count + len(insides))
        if read_only and row.editor:
            return replace(row, editor="", flags=(*row.flags, "read-only"), note=f"{row.note} {read_only}".strip())
        return row

    def rows(self, node: int, start: int, count: int) -> list[NodeRow]:
        room, own = room_and_node(node)
        if not 0 <= room < len(self._rooms):
            raise PathError(f"There is no node {node:,} in this value.")
        value = self._rooms[room].value
        rows = [self._row(room, row) for row in value.rows(own, start, count)]
        insides = self._rooms.insides(room, own)
        if not insides or len(rows) >= count:
            return rows
        root = value.root
        first = max(start - (root.count if own == root.node else 0), 0)
        return rows + [self._inside_row(room, own, inside) for inside in insides[first : first + count - len(rows)]]

    def _inside_row(self, room: int, node: int, inside: Inside) -> NodeRow:
        try:
            number = self._rooms.open(room, node, inside, CancelToken())
        except CodecError as error:
            note = error.message
            return NodeRow(
                handle_of(room, node),
                inside.step,
                inside.step,
                "bytes",
                f"<{inside.size:,} bytes>",
                0,
                ("truncated",),
                note,
            )
        row = self._row(number, self._rooms[number].value.root)
        return replace(row, step=inside.step, label=inside.step)

    def find(self, path: str) -> NodeRow:
        stops = self._rooms.walk(path)
        last = stops[-1]
        row = self._row(last.room, self._rooms.within(stops, lambda value: value.find(last.path)))
        if last.path or len(stops) == 1:
            return row
        return replace(row, step=stops[-2].step, label=stops[-2].step)

    # ---- edits

    def edit_text(self, path: str) -> str:
        value, within = self._rooms.found(path)
        return value.edit_text(within)

    def replace(self, path: str, literal: str) -> bytes:
        token = CancelToken()
        return self._edited(path, lambda value, within: value.replace(within, literal), token)

    def edit(self, edit: Edit, token: CancelToken) -> bytes:
        if isinstance(edit, RenameGlobal | ChangeProtocol):
            return self._edited("", lambda value, _within: value.edit(edit, token), token)
        if not isinstance(edit, DeleteNodes):
            return self._edited(edit.path, lambda value, within: value.edit(replace(edit, path=within), token), token)
        if not edit.paths:
            return self.data
        ways = [self._rooms.walk(path, token) for path in edit.paths]
        if len({prefix_of(way[:-1]) for way in ways}) > 1:
            raise EncodeError("Only what has one parent can be deleted at once.")
        if any(len(way) > 1 and not way[-1].path for way in ways):
            raise EncodeError("What is inside of a value cannot be deleted; delete the value around it.")
        within = DeleteNodes(tuple(way[-1].path for way in ways))
        return self._edited(edit.paths[0], lambda value, _within: value.edit(within, token), token)

    def _edited(self, path: str, change: Callable[[DecodedValue, str], bytes], token: CancelToken) -> bytes:
        """Return the whole value's bytes with a change made to what a path ends in."""
        stops = self._rooms.into_content(self._rooms.walk(path, token), token)
        last = self._rooms[stops[-1].room]
        if last.why_read_only:
            raise EncodeError(last.why_read_only)
        data = self._rooms.within(stops, lambda value: change(value, stops[-1].path))
        if data == last.value.data:
            return self.data  # nothing to change
        for room, holder, step in reversed(stops[:-1]):
            data = self._rooms[room].value.with_inside(holder, step, data, token)
        return data

    def model(self, path: str, token: CancelToken) -> Value:
        value, within = self._rooms.found(path, token)
        return value.model(within, token)

    # ---- all of it

    def text(self, limit: int, path: str = "") -> str:
        value, within = self._rooms.found(path)
        return value.text(limit, within)

    def tree(self, limit: int, path: str = "") -> dict[str, Any]:
        stops = self._rooms.walk(path)
        last = stops[-1]
        tree = self._rooms.within(stops, lambda value: value.tree(limit, last.path))
        value = self._rooms[last.room].value
        if not last.path and value.is_wrapper:
            prefix = prefix_of(stops)
            for inside in self._rooms.insides(last.room, value.root.node):
                tree[inside.step.strip("<>")] = self.tree(limit, prefix + inside.step)
        return tree

    def plain(self, token: CancelToken, path: str = "") -> Iterator[str]:
        value, within = self._rooms.found(path, token, whole=True)
        yield from value.plain(token, within)

    def typed(self, token: CancelToken, path: str = "") -> Iterator[str]:
        value, within = self._rooms.found(path, token, whole=True)
        yield from value.typed(token, within)

    def opcodes(self, start: int, count: int, token: CancelToken) -> list[OpcodeRow]:
        stops = self._rooms.into_content(self._rooms.walk("", token), token)
        room = stops[-1].room
        rows = self._rooms[room].value.opcodes(start, count, token)
        prefix = prefix_of(stops)
        return [
            replace(row, node=handle_of(room, row.node), path=prefix + row.path) if row.node >= 0 else row
            for row in rows
        ]

    def search(self, query: Query, token: CancelToken) -> Iterator[Hit]:
        for prefix, value in self._all(token, []):
            for hit in value.search(query, token):
                yield replace(hit, path=prefix + hit.path) if prefix else hit

    def audit(self, token: CancelToken) -> Audit:
        unopened: list[str] = []
        audits: list[Audit] = []
        others: list[Audit] = []
        for prefix, value in self._all(token, unopened):
            audits.append(_audit_of(value, token).within(prefix))
            others.append(names_as_pickle(value, token).within(prefix))
        return with_others(Audit.joined((*audits, Audit(gaps=tuple(unopened)))), others)

    def _all(self, token: CancelToken, unopened: list[str]) -> Iterator[tuple[str, DecodedValue]]:
        """Yield the path and value of this value and everything inside, none of which is kept.

        Sentences on what could not be opened are added to ``unopened``.
        """
        waiting = [iter([("", self.outer)])]
        looked_at = 0
        while waiting:
            found = next(waiting[-1], None)
            if found is None:
                waiting.pop()
                continue
            yield found
            looked_at += 1
            if looked_at > limits.CONTENT_HOLDERS:
                unopened.append(f"There are more than {limits.CONTENT_HOLDERS:,} values inside of each other.")
                return
            if len(waiting) <= limits.CONTENT_DEPTH:
                waiting.append(self._all_inside(*found, token, unopened))

    def _all_inside(
        self, prefix: str, value: DecodedValue, token: CancelToken, unopened: list[str]
    ) -> Iterator[tuple[str, DecodedValue]]:
        for node, path in islice(value.holders(token), limits.CONTENT_HOLDERS):
            token.check()
            for inside in value.insides(node):
                if not (inside.is_certain or self._rooms.opener.holds(inside)):
                    continue
                here = prefix + path() + inside.step
                try:
                    inner = self._rooms.opener.open(inside, token)
                except CodecError as error:
                    unopened.append(f"{here}: {error.message}")
                    continue
                yield here, inner


def _audit_of(value: DecodedValue, token: CancelToken) -> Audit:
    """Return the audit of a value; of one that is damaged, some of what is in it is not known."""
    found = value.audit(token)
    if not value.is_damaged or found.gaps:
        return found
    return Audit.joined((found, Audit(gaps=value.problems[:1] or ("It cannot be read whole.",))))
