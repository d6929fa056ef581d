"""Documents whose changes are in journals, and what crashes leave of these."""

from pathlib import Path

from app.document.document import Document
from app.document.journals import Journals
from tests.document.databases import id_of, run


def files(journals: Journals) -> list[Path]:
    return sorted(journals.folder.iterdir()) if journals.folder.exists() else []


def left_by_a_crash(document: Document, journals: Journals, *, cut: int = 0) -> Path:
    """Close a document, and leave the journal that a crash would have left, without its last bytes."""
    document.flush_journal()
    [file] = files(journals)
    content = file.read_bytes()
    document.close()
    left = journals.folder / "left.journal"
    left.write_bytes(content[: len(content) - cut])
    return left


def edit_three(document: Document) -> None:
    run(document.set_bytes_job(id_of(document, b"a"), b"changed"))
    run(document.add_job(b"new", b"added"))
    run(document.delete_job([id_of(document, b"c")]))
