"""What a pickle names, and the calls that a real unpickler would make; nothing of it is made here.

References:
    CPython's Lib/pickle.py, ``_Unpickler.dispatch``.
"""

from collections.abc import Callable, Iterator

from app import limits
from app.cancel import CancelToken
from app.codecs.findings import Audit, Call, NamedGlobal, Risk
from app.codecs.known.shape import class_name, text
from app.codecs.nodes import Kind
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.opcodes import CODE, MAKERS, codes
from app.codecs.pickle.risks import COPYREG, judged
from app.codecs.pickle.set_class import sets_class
from app.codecs.pickle.unfollowed import COMPUTED
from app.codecs.pickle.walk import offsets_of
from app.codecs.screen import escape_text
from app.errors import CodecError

PathOf = Callable[[int], str]
"""Return the canonical path of the object that is made at a slot."""

_NAMING = codes("GLOBAL", "STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4")
_GLOBALS = codes("GLOBAL", "STACK_GLOBAL")
_METHODS = {
    **dict.fromkeys(codes("APPEND"), "append"),
    **dict.fromkeys(codes("APPENDS"), "extend"),
    **dict.fromkeys(codes("SETITEM", "SETITEMS"), "__setitem__"),
    **dict.fromkeys(codes("ADDITEMS"), "add"),
    **dict.fromkeys(codes("BUILD"), "__setstate__"),
}
_PERSISTENT = codes("PERSID", "BINPERSID")
_OF_INTEREST = _NAMING | MAKERS | _PERSISTENT | frozenset(_METHODS)
_GETATTR = frozenset({"builtins.getattr", "__builtin__.getattr"})

_NESTED_CLASS = "It gets an attribute by its name, as old protocols do for a class within a class."
_HIDDEN = "Its name is computed when the value is loaded, so that it could be any function there is."
_METHOD = "It is a method of the class, if it has one, that is given what the pickle holds."
_STATE = "It is given the state; without such a method the state becomes the attributes."
_CLASS_SET = "The state sets the class, so that the object is another than is told from there on."
_PERSISTENT_LOAD = "The program that loads it decides what it makes of a persistent id."


def audit_of(graph: Graph, path_of: PathOf, token: CancelToken) -> Audit:
    """Return what one pickle names and would call, in the order of its opcodes."""
    data = graph.stream.data
    auditor = _Auditor(graph, path_of)
    names: list[NamedGlobal] = []
    calls: list[Call] = []
    more = 0
    for pos in offsets_of(graph.stream, token):
        if data[pos] not in _OF_INTEREST:
            continue
        if len(names) + len(calls) >= limits.AUDITED:
            more += auditor.tells(pos)
            continue
        if data[pos] in _NAMING:
            names.append(auditor.named(pos))
        if data[pos] not in _NAMING or data[pos] == CODE["INST"]:
            calls += auditor.calls(pos)
    return Audit(tuple(names), tuple(calls), more)


class _Auditor:
    """Knows which object each opcode changes."""

    def __init__(self, graph: Graph, path_of: PathOf) -> None:
        self._graph = graph
        self._path_of = path_of
        self._owners = {pos: target for target, log in graph.stream.logs.items() for pos in log}

    def named(self, pos: int) -> NamedGlobal:
        """Return what the opcode at an offset names."""
        slot = pos + 1 if self._graph.stream.data[pos] == CODE["INST"] else pos
        name = self._name_of(slot)
        if self._is_hidden(slot):
            return NamedGlobal(COMPUTED, self._path_of(slot), pos, Risk.DANGEROUS)
        return NamedGlobal(escape_text(name), self._path_of(slot), pos, judged(name)[0])

    def calls(self, pos: int) -> Iterator[Call]:
        """Yield the call that the opcode at an offset makes, if any."""
        op = self._graph.stream.data[pos]
        if op in MAKERS:
            yield self._making(pos)
        elif op in _PERSISTENT:
            yield Call("persistent_load", self._path_of(pos), pos, Risk.UNKNOWN, _PERSISTENT_LOAD)
        elif (owner := self._owners.get(pos, -1)) >= 0 and self._is_of_a_class(owner):
            yield self._method(owner, pos, _METHODS[op])
            if op == CODE["BUILD"] and sets_class(self._graph, self._graph.stream.records[pos][0]):
                yield self._class_set(owner, pos)

    def tells(self, pos: int) -> bool:
        """Tell whether the opcode at an offset is one that is named or that calls something."""
        if self._graph.stream.data[pos] not in _METHODS:
            return True
        owner = self._owners.get(pos, -1)
        return owner >= 0 and self._is_of_a_class(owner)

    def _is_of_a_class(self, target: int) -> bool:
        """Tell whether an object is changed by methods of a class; plain containers are no calls."""
        return self._graph.stream.data[target] in MAKERS or self._graph.kind(target) in (Kind.OBJECT, Kind.PERSID)

    def _making(self, pos: int) -> Call:
        callee, args = self._called(pos)
        name = self._name_of(callee)
        risk, why = (Risk.DANGEROUS, _HIDDEN) if self._is_hidden(callee) else judged(name)
        if name in _GETATTR and self._names_a_nested_class(args):
            risk, why = Risk.UNKNOWN, _NESTED_CLASS
        if name in COPYREG and args:
            made = self._name_of(args[0])
            risk, why = judged(made)[0], f"{why} Its class is {escape_text(made) or 'computed'}."
        if risk is not Risk.DANGEROUS and (given := self._dangerous(args)):
            risk, why = Risk.DANGEROUS, f"It is given {escape_text(given)}. {judged(given)[1]}"
        return Call(escape_text(name) or "a computed function", self._path_of(pos), pos, risk, why)

    def _called(self, pos: int) -> tuple[int, tuple[int, ...]]:
        """Return the slots of the callable and of its arguments, with nothing seen through."""
        graph = self._graph
        if graph.stream.data[pos] != CODE["REDUCE"]:
            made = graph.made(pos)
            return made.cls, made.args
        callee, args = graph.stream.records[pos]
        return callee, tuple(graph.items(args, 0, _ARGUMENTS)) if graph.kind(args) is Kind.TUPLE else (args,)

    def _names_a_nested_class(self, args: tuple[int, ...]) -> bool:
        """Tell whether ``getattr(Class, 'Inner')`` can do nothing but that."""
        if len(args) != 2 or not (owner := self._name_of(args[0])) or judged(owner)[0] is Risk.DANGEROUS:
            return False
        try:
            attribute = text(self._graph, args[1])
        except CodecError:
            return False
        return attribute is not None and attribute.isidentifier() and attribute[:1].isupper()

    def _dangerous(self, args: tuple[int, ...]) -> str:
        """Return the name of an argument that is itself a dangerous function."""
        names = (self._name_of(slot) for slot in args[:_ARGUMENTS])
        return next((name for name in names if name and judged(name)[0] is Risk.DANGEROUS), "")

    def _method(self, owner: int, pos: int, method: str) -> Call:
        graph = self._graph
        name = self._name_of(graph.made(owner).cls) if graph.kind(owner) is Kind.OBJECT else ""
        risk = judged(name)[0] if name else Risk.UNKNOWN
        why = _STATE if method == "__setstate__" else _METHOD
        called = f"{escape_text(name) or 'an object'}.{method}"
        return Call(called, self._path_of(owner), pos, risk, why)

    def _class_set(self, owner: int, pos: int) -> Call:
        name = self._name_of(self._graph.made(owner).cls) if self._graph.kind(owner) is Kind.OBJECT else ""
        called = f"{escape_text(name) or 'an object'}.__class__"
        return Call(called, self._path_of(owner), pos, Risk.DANGEROUS, _CLASS_SET)

    def _name_of(self, slot: int) -> str:
        """Return ``module.name``, what stands for an extension code, or an empty text for what is computed."""
        graph = self._graph
        name = class_name(graph, slot)
        if name:
            return name
        target = graph.target(slot)
        op = graph.stream.data[target]
        if graph.kind(slot) is Kind.EXT:
            return f"extension code {graph.inner(slot)}"
        if op in _GLOBALS and graph.kind(slot) is Kind.OBJECT:
            return class_name(graph, target + 1)  # one that the pickle tries to change stays what it is
        return self._stacked_name(target) if op == CODE["STACK_GLOBAL"] else ""

    def _stacked_name(self, target: int) -> str:
        """Return what STACK_GLOBAL names when it is given 8-bit strings, which are texts for Python 3; else nothing."""
        try:
            names = [text(self._graph, slot) for slot in self._graph.stream.records.get(target, ())]
        except CodecError:
            return ""
        return ".".join(name or "" for name in names) if all(names) else ""

    def _is_hidden(self, slot: int) -> bool:
        """Tell whether a class or function is named by what is computed, as nothing honest does it."""
        target = self._graph.target(slot)
        return self._graph.stream.data[target] == CODE["STACK_GLOBAL"] and not self._name_of(slot)


_ARGUMENTS = 100
"""Arguments of a call that are looked at."""
