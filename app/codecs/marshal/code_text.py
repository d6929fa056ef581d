"""A code object as text: its numbers and names, its constants, and its bytecode by offset."""

from collections.abc import Iterator, Sequence

from app.codecs.known.registry import preview
from app.codecs.marshal.graph import MarshalGraph
from app.codecs.marshal.instructions import instructions, versions_of
from app.codecs.marshal.pyc import PycHeader
from app.codecs.nodes import Kind

_LINE_CHARS = 160
_SHOWN_FIELDS = frozenset({"co_consts", "co_code"})


def code_text(graph: MarshalGraph, slot: int, header: PycHeader | None, limit: int) -> str:
    """Return the text of a code object, of some ``limit`` characters at most; code inside of it follows behind."""
    written: list[str] = []
    size = 0
    for line in _lines(graph, slot, header):
        written.append(line)
        size += len(line) + 1
        if size > limit:
            break
    return "\n".join(written)


def _lines(graph: MarshalGraph, slot: int, header: PycHeader | None) -> Iterator[str]:
    versions = known_versions(graph, header)
    waiting = [graph.target(slot)]
    seen = set(waiting)
    while waiting:
        code = waiting.pop(0)
        yield from _code(graph, code, versions)
        inside = [graph.target(item) for item in _consts(graph, code) if graph.kind(item) is Kind.CODE]
        waiting += [target for target in inside if target not in seen]
        seen.update(inside)
        if waiting:
            yield ""


def known_versions(graph: MarshalGraph, header: PycHeader | None) -> list[tuple[int, int]]:
    """Return the versions of Python that may have written the code: one where a header says which."""
    return [header.version] if header is not None else versions_of(graph.stream.layout)


def _consts(graph: MarshalGraph, code: int) -> Sequence[int]:
    slot = dict(graph.fields(code)).get("co_consts")
    return () if slot is None else graph.items(slot)


def _code(graph: MarshalGraph, code: int, versions: Sequence[tuple[int, int]]) -> Iterator[str]:
    yield preview(graph, code, _LINE_CHARS)
    for name, slot in graph.fields(code):
        if name not in _SHOWN_FIELDS:
            yield f"  {name}: {preview(graph, slot, _LINE_CHARS)}"
    yield "  constants:"
    for number, slot in enumerate(_consts(graph, code)):
        yield f"    {number}: {preview(graph, slot, _LINE_CHARS)}"
    yield "  bytecode:"
    for one in instructions(graph, code, versions):
        yield f"    {one.offset:>5} {one.name:<28} {one.argument}".rstrip()
