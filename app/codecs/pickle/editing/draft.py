"""One edit while it is worked out: what it does to the opcodes, and what is to be read back."""

from collections.abc import Iterator
from functools import cached_property
from itertools import count

from app.cancel import CancelToken, Pass
from app.codecs.model import Atom, Style, Value
from app.codecs.nodes import Kind
from app.codecs.pickle.editing.geometry import Geometry
from app.codecs.pickle.editing.intent import CHANGES, Intent, Part, part_of
from app.codecs.pickle.editing.links import Links
from app.codecs.pickle.editing.program import Code, Splice
from app.codecs.pickle.emit import emit
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.opcodes import BY_CODE, CODE, PUTS, end_of
from app.codecs.pickle.styles import numpy_module
from app.errors import EncodeError

_POP = b"0"
_STAGES = 3
_LOOKED_AT = 1000
"""Opcodes that are looked at to tell protocol 1 from 0."""


class Draft:
    """An edit of one whole pickle. ``graph`` stays as it is."""

    def __init__(self, graph: Graph, token: CancelToken) -> None:
        self.graph = graph
        self.stream = graph.stream
        self.token = token
        self.splices: list[Splice] = []
        self.last_resort: list[Splice] = []
        """What does the same and leaves the old values in the pickle, popped; empty where there is no such way."""
        self.intent = Intent()
        self.numbered_from = graph.stream.stop
        """Where MEMOIZE becomes a PUT of its number, as new numbers are given before that it would count."""
        self.copies = -1
        """The slot of an object of which a copy is changed, as it stands in other places too; or -1."""
        self.hashed: list[tuple[int, Part, int]] = []
        """Keys and elements that must stay different from their neighbours: the container and their position."""

    @cached_property
    def geometry(self) -> Geometry:
        return Geometry(self.stream)

    @cached_property
    def links(self) -> Links:
        return Links(self.stream, self.stage(0))

    def stage(self, number: int) -> CancelToken:
        """Return a token for one of the stages of a large edit, to count the bytes of the pickle that are done.

        They are working it out, reading the result, and comparing it with the original: 0 to 2.
        """
        size = len(self.stream.data)
        return Pass(self.token, before=number * size, counted=0, after=(_STAGES - 1 - number) * size)

    @cached_property
    def style(self) -> Style:
        """How new values are written so that they are like their neighbours."""
        protocol = min(self.stream.protocol, 5)
        shown = protocol if protocol >= 2 else int(self._is_binary())
        return Style(shown, self.graph.is_python2, numpy_module=numpy_module(self.stream.data))

    def _is_binary(self) -> bool:
        """Tell whether a pickle that does not tell its protocol has opcodes of protocol 1."""
        data, pos = self.stream.data, self.stream.start
        for _ in range(_LOOKED_AT):
            opcode = BY_CODE[data[pos]]
            if opcode is None or pos >= self.stream.stop - 1:
                break
            if opcode.protocol:
                return True
            pos = end_of(data, pos)
        return False

    @property
    def is_text(self) -> bool:
        """Whether memo numbers are written as text."""
        return self.style.protocol == 0

    def code(self, value: Value, at: int) -> bytes:
        """Return the opcodes of a new value that come to stand at the old offset ``at``."""
        return emit(value, self.style, self._free_numbers(at))

    def _free_numbers(self, at: int) -> Iterator[int]:
        """Yield memo numbers for what is shared inside a new value: those nothing reads any more, then new ones."""
        memo = self.stream.memo
        pairs = list(memo.items() if isinstance(memo, dict) else enumerate(memo) if isinstance(memo, list) else ())
        counts = self.stream.protocol >= 4  # MEMOIZE may number by how many there are
        if counts:
            given = [index for index, slot in pairs if 0 <= slot < at]
            yield from (index for index in given if index not in self.links.fetched)
            read_later = {self.links.index_of(get) for get in self.links.gets_between(at, self.stream.stop)}
            yield from (index for index in given if index in self.links.fetched and index not in read_later)
        if counts and any(slot >= at for _, slot in pairs):
            self.numbered_from = min(at, self.numbered_from)
        yield from count(max((index for index, _ in pairs), default=-1) + 1)

    def put_place(self, slot: int, value: Value, code: bytes = b"") -> None:
        """Put a new value in one place."""
        region = self.geometry.region(slot)
        made = code or self.code(value, region.start)
        self.splices.append(Splice(region.start, region.end, (Code(made, is_value=True),)))
        self.intent.places[slot] = value
        self.last_resort.append(Splice(region.end, region.end, (Code(_POP + made),)))

    def container_of(self, slot: int) -> tuple[int, Part, int]:
        """Return the object and the part of it that the place of ``slot`` belongs to, and its position there.

        Raises:
            EncodeError: it belongs to no object.
        """
        consumer = self.geometry.consumer(slot)
        owner = consumer
        if consumer not in self.stream.records or self.stream.data[consumer] in CHANGES:
            owner = next((target for target, log in self.stream.logs.items() if consumer in log), -1)
        if owner < 0:
            raise EncodeError("This is part of nothing that could be edited.")
        for part in Part:
            slots = part_of(self.stream, owner, part)
            if slot in slots:
                return owner, part, slots.index(slot)
        raise EncodeError("This is part of nothing that could be edited.")

    def behind(self, slot: int) -> int:
        """Return the offset behind the opcode at ``slot`` and its PUTs."""
        data = self.stream.data
        end = at = end_of(data, slot)
        while data[at] in PUTS or data[at] == CODE["FRAME"]:
            at = end_of(data, at)
            if data[end] in PUTS or data[at] not in PUTS:
                end = at if data[end] in PUTS else end
        return end

    def text_key(self, name: str) -> Atom:
        """Return an attribute's name as the pickle writes names."""
        if self.graph.is_python2 and name.isascii():
            return Atom(Kind.STR2, name.encode("ascii"))
        return Atom(Kind.STR, name)
