"""An audit names all that a pickle names and calls: as pickletools, fickling and picklescan see it, and no less."""

import json
import pickletools
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from app.cancel import CancelToken
from app.codecs import registry
from app.codecs.findings import Audit, Risk
from app.codecs.pickle.value import PickleValue
from tests import corpus

BENIGN = corpus.values("benign")
VALUES = [*BENIGN, *corpus.values("hostile")]
REFEREES = Path(__file__).with_name("audit_referees.py")
SECONDS = 5
MAKING = {"REDUCE", "NEWOBJ", "NEWOBJ_EX", "OBJ", "INST"}
NAMING = {"GLOBAL", "STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4"}


def audit(data: bytes) -> Audit:
    return PickleValue(data, CancelToken()).audit(CancelToken())


def opcodes(data: bytes) -> list[tuple[str, Any, int]]:
    """Return name, argument and offset of the opcodes of all pickles of a value, as pickletools reads them."""
    found = []
    start = 0
    while start < len(data):
        try:
            here = [(code.name, arg, start + (pos or 0)) for code, arg, pos in pickletools.genops(data[start:])]
        except ValueError:
            break
        found += here
        start = here[-1][2] + 1
    return found


@pytest.mark.parametrize("case", BENIGN, ids=corpus.name_of)
def test_every_name_and_every_call_is_in_order(case: corpus.ValueCase) -> None:
    data = case.read()
    read = opcodes(data)
    if not read:
        pytest.skip("pickletools refuses Python 2 strings that are not ASCII.")

    found = audit(data)

    assert [name.offset for name in found.globals] == [pos for name, _, pos in read if name in NAMING]
    making = {pos for name, _, pos in read if name in MAKING}
    assert [call.offset for call in found.calls if call.offset in making] == sorted(making)
    assert [call.offset for call in found.calls] == sorted(call.offset for call in found.calls)


@pytest.mark.parametrize("case", BENIGN, ids=corpus.name_of)
def test_names_are_those_of_pickletools(case: corpus.ValueCase) -> None:
    data = case.read()

    named = {name.offset: name.name for name in audit(data).globals}

    written = {pos: arg.replace(" ", ".") for name, arg, pos in opcodes(data) if name in {"GLOBAL", "INST"}}
    assert {pos: named[pos] for pos in written} == written


@pytest.mark.parametrize("case", BENIGN, ids=corpus.name_of)
def test_a_path_leads_to_what_is_made_there(case: corpus.ValueCase) -> None:
    value = PickleValue(case.read(), CancelToken())

    for call in value.audit(CancelToken()).calls:
        assert value.find(call.path).node >= 0


ATTRIBUTE_GETTERS = {"builtins.getattr", "__builtin__.getattr"}


def test_no_call_of_a_benign_value_is_dangerous_but_getting_attributes() -> None:
    dangerous = {call.callable for case in BENIGN for call in audit(case.read()).calls if call.risk is Risk.DANGEROUS}

    assert dangerous <= ATTRIBUTE_GETTERS


def test_known_types_of_the_libraries_are_harmless() -> None:
    unknown = {
        call.callable
        for case in BENIGN
        for call in audit(case.read()).calls
        if call.risk is Risk.UNKNOWN
        if call.callable.startswith(("datetime.", "decimal.", "uuid.", "collections.", "numpy.", "pandas.", "pathlib."))
    }

    assert unknown == set()


DANGEROUS = {
    "a shell": b"cposix\nsystem\n(S'true'\ntR.",
    "a shell by INST": b"(S'true'\nios\nsystem\n.",
    "a shell by OBJ": b"(cos\nsystem\nS'true'\no.",
    "a shell by NEWOBJ": b"\x80\x02csubprocess\nPopen\nU\x04true\x85\x81.",
    "a shell by STACK_GLOBAL": b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.",
    "code": b"c__builtin__\neval\n(S'1'\ntR.",
    "a file": b"cbuiltins\nopen\n(S'f'\ntR.",
    "a network": b"csocket\nsocket\n(tR.",
    "an import": b"cimportlib\nimport_module\n(S'os'\ntR.",
    "an attribute": b"cbuiltins\ngetattr\n(cos\npath\nS'join'\ntR.",
    "a dangerous argument": b"cbuiltins\nmap\n(cos\nsystem\n(lp0\nS'true'\natR.",
    "a partial of a shell": b"cfunctools\npartial\n(cos\nsystem\nS'true'\ntR.",
    "a pickle": b"cpickle\nloads\n(S'.'\ntR.",
    "made and thrown away": b"cos\nsystem\n(S'true'\ntR0N.",
    "a second pickle": b"N.cos\nsystem\n(S'true'\ntR.",
}


@pytest.mark.parametrize("name", DANGEROUS)
def test_what_can_do_harm_is_dangerous(name: str) -> None:
    found = audit(DANGEROUS[name])

    assert [call.risk for call in found.calls][-1] is Risk.DANGEROUS
    assert found.calls[-1].why


def test_a_nested_class_is_told_from_any_attribute() -> None:
    nested = audit(b"cbuiltins\ngetattr\n(cshop\nOrder\nS'Line'\ntR.")

    assert [call.risk for call in nested.calls] == [Risk.UNKNOWN]


def test_persistent_ids_and_extension_codes_are_told() -> None:
    found = audit(b"\x80\x02]q\x00(U\x02idQ\x82\x07)Re.")

    assert [(call.callable, call.risk) for call in found.calls] == [
        ("persistent_load", Risk.UNKNOWN),
        ("extension code 7", Risk.UNKNOWN),
    ]
    assert [name.name for name in found.globals] == ["extension code 7"]


def test_a_long_list_is_cut_and_counted() -> None:
    data = b"\x80\x02](" + b"cshop\nOrder\n" * 30_000 + b"e."

    found = audit(data)

    assert (len(found.globals), found.more) == (20_000, 10_000)


# ---- the other auditors


def told_by_referees(paths: list[Path]) -> dict[Path, dict[str, Any]]:
    """Return what fickling and picklescan say of files; nothing where they fail or take more than some seconds."""
    waiting: queue.SimpleQueue[Path] = queue.SimpleQueue()
    for path in paths:
        waiting.put(path)
    with ThreadPoolExecutor(2) as workers:
        parts = list(workers.map(lambda _: dict(_told(waiting)), range(2)))
    return {path: told for part in parts for path, told in part.items()}


def _told(waiting: "queue.SimpleQueue[Path]") -> Iterator[tuple[Path, dict[str, Any]]]:
    referee = None
    while not waiting.empty():
        path = waiting.get()
        if referee is None or referee.poll() is not None:
            referee = subprocess.Popen(
                [sys.executable, "-I", str(REFEREES)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert referee.stdin is not None
        assert referee.stdout is not None
        guard = threading.Timer(SECONDS, referee.kill)
        guard.start()
        referee.stdin.write(f"{path}\n")
        referee.stdin.flush()
        line = referee.stdout.readline()
        guard.cancel()
        if line:
            yield path, json.loads(line)
        else:
            referee.communicate()
            referee = None
    if referee is not None:
        referee.communicate()


BOMBS = ("bomb", "deep", "laugh", "million", "huge", "long")
"""In the names of files that need minutes or gigabytes in the other auditors, which build what they audit."""


FALSE_ALARMS = ("`from __builtin__ import xrange`",)
"""Of fickling, which knows no builtins of Python 2 that Python 3 has not: xrange makes a range."""

_UNNAMED = {"unknown.unknown": "a computed name"}
"""What picklescan calls a STACK_GLOBAL whose names are no texts."""


@pytest.mark.timeout(300)
def test_nothing_that_other_auditors_call_dangerous_is_missed() -> None:
    cases = [case for case in VALUES if not any(word in case.name for word in BOMBS)]

    told = told_by_referees([case.path for case in cases])

    assert missed(told) == {}
    assert sum(bool(says.get("picklescan")) for says in told.values()) >= 5
    assert sum("fickling" in says for says in told.values()) > len(cases) // 2


@pytest.mark.timeout(300)
def test_nothing_that_other_auditors_call_dangerous_is_missed_in_damaged_values(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / f"{case.name}-{number}", data)
        for case in corpus.values("hostile")
        if "rce" in case.name
        for number, data in enumerate(damaged(case.read()))
    ]

    told = told_by_referees(paths)

    assert missed(told) == {}
    assert sum(bool(says.get("picklescan")) for says in told.values()) >= len(paths) // 3


def damaged(data: bytes) -> list[bytes]:
    """Return a pickle with an opcode before it that finds nothing, with one in its midst, and cut."""
    body = data[2:] if data.startswith(b"\x80") else data
    return [
        b"\x80\x020" + body,
        b"\x80\x02h\x63" + body,
        b"N." + body + b"\xff",
        *(data[:end] for end in (len(data) - 1, len(data) * 3 // 4)),
    ]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def missed(told: dict[Path, dict[str, Any]]) -> dict[str, Any]:
    """Return what referees say of files and we do not."""
    found = {}
    for path, says in told.items():
        if not (says.get("picklescan") or says.get("fickling")):
            continue
        ours = registry.audit(registry.decode(path.read_bytes(), CancelToken())[0], CancelToken())
        alarms = {name.name for name in (*ours.globals, *ours.behind) if name.risk is not Risk.HARMLESS}
        alarms |= {call.callable for call in ours.calls if call.risk is not Risk.HARMLESS}
        overlooked = {_UNNAMED.get(name, name) for name in says.get("picklescan", ())} - alarms
        words = [word for word in says.get("fickling", ()) if not word.startswith(FALSE_ALARMS)]
        if overlooked or (words and not alarms):
            found[path.name] = (overlooked, words)
    return found
