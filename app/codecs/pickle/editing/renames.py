"""Another name for a class or function, wherever a pickle names it."""

from itertools import chain

from app.codecs.model import Atom
from app.codecs.nodes import Kind
from app.codecs.pickle.editing.draft import Draft
from app.codecs.pickle.editing.intent import Part, part_of
from app.codecs.pickle.editing.program import Code, Splice
from app.codecs.pickle.editing.scalars import scalar_code
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.opcodes import CODE, end_of
from app.codecs.pickle.stream import Stream
from app.codecs.screen import escape_text
from app.errors import EncodeError


def rename_global(draft: Draft, old: str, new: str) -> None:
    """Work out what names a class ``new`` wherever it is named ``old``.

    Raises:
        EncodeError: the new name cannot be written.
    """
    module, name = _split(new)
    for target in _named(draft.graph, old):
        if draft.stream.data[target] == CODE["STACK_GLOBAL"]:
            _rename_stacked(draft, target, (module, name))
        else:
            _rename_lines(draft, target, module, name)


def _split(name: str) -> tuple[str, str]:
    module, separator, attribute = name.partition(":") if ":" in name else name.rpartition(".")
    if not (separator and module and attribute):
        raise EncodeError(f"{escape_text(name) or 'Nothing'} names no class; write it as package.module.Class.")
    return module, attribute


def names_global(graph: Graph, name: str) -> bool:
    """Tell whether a pickle names a class or function so."""
    return bool(_named(graph, name))


def _named(graph: Graph, name: str) -> list[int]:
    """Return the targets of all opcodes that name that class or function."""
    wanted = name.replace(":", ".")
    is_inst = CODE["INST"]
    data = graph.stream.data
    return [pos for pos in _globals(graph.stream) if graph.global_name(pos + (data[pos] == is_inst)) == wanted]


def _globals(stream: Stream) -> list[int]:
    """Return the targets of all opcodes that name a class or function."""
    data = stream.data
    taken = chain([stream.root], stream.left, stream.popped, chain.from_iterable(stream.records.values()))
    lines = [slot for slot in taken if data[slot] == CODE["GLOBAL"]]
    stacked = [pos for pos in stream.records if data[pos] == CODE["STACK_GLOBAL"]]
    return sorted([*lines, *stacked, *stream.insts])


def _rename_stacked(draft: Draft, target: int, names: tuple[str, str]) -> None:
    for slot, text in zip(draft.stream.records[target], names, strict=True):
        if draft.graph.scalar(slot) != text:
            value = Atom(Kind.STR, text)
            draft.put_place(slot, value, scalar_code(draft, slot, value))


def _rename_lines(draft: Draft, target: int, module: str, name: str) -> None:
    if "." in name and draft.style.protocol < 4:
        raise EncodeError(f"Protocol {draft.style.protocol} cannot name the class {escape_text(name)} inside another.")
    lines = f"{module}\n{name}\n"
    if lines.count("\n") != 2 or not (draft.style.protocol >= 3 or lines.isascii()):
        raise EncodeError(f"Protocol {draft.style.protocol} cannot write the name {escape_text(module + '.' + name)}.")
    data = draft.stream.data
    code = data[target : target + 1] + lines.encode()
    draft.splices.append(Splice(target, end_of(data, target), (Code(code, stands_for=target),)))
    draft.intent.names[target] = f"{module}.{name}"
    if data[target] == CODE["INST"]:
        draft.intent.contents[target, Part.OWN] = part_of(draft.stream, target, Part.OWN)
