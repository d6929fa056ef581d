"""Names in a pickle that the machine does not come to: behind damage, behind STOP, and where frames hide opcodes.

A scan from opcode to opcode knows no stack, so it cannot tell what becomes of what is named: it is named, no more.

References:
    CPython's Modules/_pickle.c, ``_Unpickler_ReadImpl``, ``_Unpickler_Readline`` and ``load_frame``.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from app import limits
from app.cancel import CancelToken
from app.codecs.extension_codes import extension_name
from app.codecs.findings import Audit, NamedGlobal, Risk
from app.codecs.pickle.frame_ends import crossing_problem
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.opcodes import (
    BY_CODE,
    BYTES,
    CODE,
    GETS,
    PUTS,
    STRINGS,
    TEXTS,
    Layout,
    codes,
    end_of,
    memo_index,
)
from app.codecs.pickle.reductions import global_lines
from app.codecs.pickle.risks import judged
from app.codecs.pickle.scalars import read_bytes, read_text
from app.codecs.pickle.stream import Stream
from app.codecs.screen import escape_text
from app.errors import DecodeError

COMPUTED = "a computed name"
"""What stands for a name that only loading the pickle would tell."""

_BETWEEN_CHECKS = 4096
_LONGEST = 1000
"""Bytes of a text that may be half of a name."""

_KEPT_TEXTS = 100_000
_FRAME, _STOP, _DUP = CODE["FRAME"], CODE["STOP"], CODE["DUP"]
_MEMOIZE, _STACK_GLOBAL = CODE["MEMOIZE"], CODE["STACK_GLOBAL"]
_BYTES = BYTES | codes("BYTEARRAY8")
_NAMES = codes("GLOBAL", "INST")
_EXTENSIONS = codes("EXT1", "EXT2", "EXT4")
_PASSED_OVER = codes("PROTO", "FRAME")

Read = tuple[int, bytes]
"""The offset of an opcode and its bytes, argument included; of a long one the beginning."""


def gaps_of(graphs: Sequence[Graph], known: Iterable[NamedGlobal], token: CancelToken) -> Audit:
    """Return what of pickles in a row the machine does not come to, and what is named there beside what is known.

    Raises:
        Cancelled: by ``token``.
    """
    first, last = graphs[0].stream, graphs[-1].stream
    gaps = [last.error] if last.error else []
    behind = _names_behind(first, last, token)
    crossings = filter(None, (crossing_problem(graph.stream, token) for graph in graphs if graph.stream.frames))
    if crossing := next(crossings, ""):
        gaps.append(crossing)
        told = {named.name for named in (*known, *behind)}
        for within_bytes in (False, True):
            opcodes = opcodes_from_file(first.data, first.start, within_bytes=within_bytes)
            new = [named for named in _listed(names_in(opcodes, token)) if named.name not in told]
            told.update(named.name for named in new)
            behind += new
    return Audit(behind=tuple(behind), gaps=tuple(gaps))


def dangerous_names(data: bytes, start: int, token: CancelToken) -> tuple[NamedGlobal, ...]:
    """Return the names that bytes from ``start`` on would have as a pickle, none when no dangerous one is among them.

    Raises:
        Cancelled: by ``token``.
    """
    files = (opcodes_from_file(data, start, within_bytes=within) for within in (False, True))
    found: dict[tuple[str, int], NamedGlobal] = {}
    for opcodes in (opcodes_from(data, start), *files):
        found.update(((named.name, named.offset), named) for named in _listed(names_in(opcodes, token)))
    is_dangerous = any(named.risk is Risk.DANGEROUS for named in found.values())
    return tuple(found.values()) if is_dangerous else ()


def _names_behind(first: Stream, last: Stream, token: CancelToken) -> list[NamedGlobal]:
    """Return what is named behind the place where the last pickle cannot be followed, or behind its STOP."""
    if last.error:
        named = names_in(opcodes_from(first.data, first.start), token)
        return _listed(each for each in named if each[0] >= last.error_at)
    return _listed(each for each in names_in(opcodes_from(last.data, last.stop), token) if _is_name(each[1]))


def _listed(names: Iterable[tuple[int, str]]) -> list[NamedGlobal]:
    return [
        NamedGlobal(escape_text(name), "", pos, Risk.DANGEROUS if name == COMPUTED else judged(name)[0])
        for pos, name in islice(names, limits.AUDITED)
    ]


def _is_name(name: str) -> bool:
    """Tell whether there can be a class or function of that name; bytes that are no pickle read as names too."""
    return name == COMPUTED or name.startswith("extension code") or all(map(str.isidentifier, name.split(".")))


def names_in(opcodes: Iterator[Read], token: CancelToken) -> Iterator[tuple[int, str]]:
    """Yield offset and ``module.name`` of the opcodes that name something.

    Raises:
        Cancelled: by ``token``.
    """
    known = _Texts()
    for number, (pos, code) in enumerate(opcodes):
        if number % _BETWEEN_CHECKS == 0:
            token.check()
        if code[0] in _NAMES:
            yield pos, global_lines(code, 0)
        elif code[0] in _EXTENSIONS:
            extension = int.from_bytes(code[1:], "little", signed=code[0] == CODE["EXT4"])
            yield pos, extension_name(extension) or f"extension code {extension}"
        elif code[0] == _STACK_GLOBAL and known.can_be_joined:
            yield pos, known.joined()
        known.note(code)


class _Texts:
    """The texts that were pushed last and those in the memo, as far as they can be names."""

    def __init__(self) -> None:
        self._last: deque[str] = deque(maxlen=2)
        self._memo: dict[int, str] = {}
        self._memoized = 0

    @property
    def can_be_joined(self) -> bool:
        """Tell whether there is so much on the stack that STACK_GLOBAL can take it, as far as no stack is known."""
        return len(self._last) == self._last.maxlen

    def joined(self) -> str:
        """Return the last two texts as STACK_GLOBAL takes them."""
        return ".".join(self._last) if all(self._last) else COMPUTED

    def note(self, code: bytes) -> None:
        """Take in an opcode."""
        op = code[0]
        if op in TEXTS or op in STRINGS:
            self._last.append(_text(code))
        elif op == _DUP:
            self._last.append(self._top)
        elif op in GETS:
            self._last.append(self._memo.get(memo_index(code, 0), ""))
        elif op in PUTS:
            self._put(self._memoized if op == _MEMOIZE else memo_index(code, 0))
        elif op == _STOP:
            self._memoized = 0
            self._memo.clear()
        elif op not in _PASSED_OVER:
            self._last.append("")

    def _put(self, index: int) -> None:
        self._memoized += 1
        if self._top and len(self._memo) < _KEPT_TEXTS:
            self._memo[index] = self._top

    @property
    def _top(self) -> str:
        return self._last[-1] if self._last else ""


def _text(code: bytes) -> str:
    """Return the text that an opcode pushes, empty for one that cannot be a name."""
    if len(code) > _LONGEST:
        return ""
    try:
        return read_text(code, 0) if code[0] in TEXTS else read_bytes(code, 0).decode("latin-1")
    except DecodeError:
        return ""


def opcodes_from(data: bytes, start: int) -> Iterator[Read]:
    """Yield the opcodes from ``start`` on, over STOPs, up to the first that is unknown or cut."""
    pos = start
    while 0 <= pos < len(data) and (end := end_of(data, pos)) >= 0:
        yield pos, data[pos : end if data[pos] in _NAMES else min(end, pos + _LONGEST + 1)]
        pos = end


def opcodes_from_file(data: bytes, start: int, *, within_bytes: bool) -> Iterator[Read]:
    """Yield the opcodes that the unpickler in C reads from a file, up to the first that is unknown or cut.

    Where one goes on behind its frame, what is left of the frame is lost; ``within_bytes``: where that happens within
    bytes too, as it does before Python 3.8.
    """
    file = _FramedFile(data, start, loses_bytes=within_bytes)
    while file.pos < len(data):
        pos = file.pos
        code = file.opcode()
        if not code:
            return
        yield pos, code


class _FramedFile:
    """Bytes as they are read in frames. ``pos`` is the offset of what is read next."""

    def __init__(self, data: bytes, pos: int, *, loses_bytes: bool) -> None:
        self._data = data
        self._loses_bytes = loses_bytes
        self.pos = pos
        self._end = pos
        """The offset where the frame ends; behind it there is none."""

    def opcode(self) -> bytes:
        """Return the next opcode with its argument, of a long one the beginning; empty where it is unknown or cut."""
        code = self._taken(1)
        opcode = BY_CODE[code[0]]
        if opcode is None:
            return b""
        match opcode.layout:
            case Layout.FIXED:
                width = opcode.width - 1
                argument = self._taken(width)
                is_whole = len(argument) == width
            case Layout.LINE | Layout.TWO_LINES:
                lines = [self._line() for _ in range(1 + (opcode.layout is Layout.TWO_LINES))]
                argument = b"".join(lines)
                is_whole = lines[-1].endswith(b"\n")
            case _:
                counted = self._taken(-opcode.layout)
                size = int.from_bytes(counted, "little")
                argument = counted + self._taken(size, loses=self._loses_bytes or code[0] not in _BYTES)
                is_whole = len(counted) == -opcode.layout and self.pos <= len(self._data)
        if code[0] == _FRAME and is_whole:
            self._enter(int.from_bytes(argument, "little"))
        return code + argument if is_whole else b""

    def _enter(self, size: int) -> None:
        """Begin a frame; one that lies within the frame before it changes nothing."""
        if self.pos < self._end < self.pos + size:
            self.pos = self._end
        self._end = max(self._end, self.pos + size)

    def _taken(self, size: int, *, loses: bool = True) -> bytes:
        """Return what is read at once, at most the beginning of it that matters."""
        if loses and self.pos < self._end < self.pos + size:
            self.pos = self._end
        start = self.pos
        self.pos += size
        return self._data[start : min(self.pos, start + _LONGEST)]

    def _line(self) -> bytes:
        end = self._data.find(b"\n", self.pos) + 1 or len(self._data)
        if self.pos < self._end < end:
            self.pos = self._end
            end = self._data.find(b"\n", self.pos) + 1 or len(self._data)
        line = self._data[self.pos : end]
        self.pos = end
        return line
