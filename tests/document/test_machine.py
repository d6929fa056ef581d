"""The document against a dict: whatever is edited, undone, saved, merged or read again, nothing is lost or made up."""

import pytest

from tests.document.document_machine import OPERATIONS, DocumentMachine
from tests.document.machine_runs import SECONDS, run_machine
from tests.document.other_programs import Dumb, OtherProgram, OurEngine, Sqlite

PROGRAMS: dict[str, OtherProgram] = {"sqlite3": Sqlite(), "dumb": Dumb(), "gdbm": OurEngine(), "bdb-hash": OurEngine()}
"""Who else writes a file of each format: what is there on every machine."""


@pytest.mark.hypothesis
@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize("format_id", PROGRAMS)
def test_a_document_holds_what_a_dict_would(format_id: str) -> None:
    machine = type("Machine", (DocumentMachine,), {"format_id": format_id, "other": PROGRAMS[format_id]})

    run_machine(machine, f"bytes in {format_id}", OPERATIONS)
