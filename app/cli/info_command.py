"""``info``: what a file is, how it was told, and whether it can be saved."""

import json
from typing import Any

import click

from app.cli.database import Database, opened
from app.cli.exit_codes import ExitCode
from app.cli.parameters import Command, file_argument
from app.cli.session import Session
from app.codecs.screen import escape_text
from app.engine.base import ProblemNote
from app.errors import CannotOpen

_PROBLEMS_SHOWN = 20


@click.command(cls=Command)
@file_argument
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines to read.")
@click.pass_obj
def info(session: Session, file: str, *, as_json: bool) -> ExitCode:
    """Tell the format of FILE and why, its files, entries, sizes, and whether it can be saved.

    FILE may be any member of a family of files.
    """
    with opened(file) as database:
        facts = _facts(database)
        seen_lock = database.info.lock_seen
        notes = [] if database.info.recognised_only else list(database.engine.notes())
    if as_json:
        session.output.json(json.dumps(facts, ensure_ascii=False, indent=2) + "\n")
    else:
        _print_facts(session, facts, seen_lock, notes)
    return ExitCode.DONE


def _facts(database: Database) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    known = database.info
    entries = None if known.recognised_only else _count_entries(database)
    problems = () if known.recognised_only else _problems(database)
    why_read_only = known.why_read_only if known.recognised_only else database.why_read_only
    return {
        "path": known.path,
        "format": known.format,
        "variant": known.variant,
        "reason": known.reason,
        "files": list(known.files),
        "entries": entries,
        "bytes": known.bytes,
        "byte_order": known.byte_order,
        "writable": not why_read_only,
        "why_read_only": why_read_only or None,
        "shelf": bool(entries) and database.engine.is_shelf(database.token),
        "damaged": bool(problems),
        "problems": [{"message": problem.message, "offset": problem.offset} for problem in problems],
    }


def _count_entries(database: Database) -> int | None:
    try:
        return sum(len(chunk) for chunk in database.chunks())
    except CannotOpen as error:
        database.damage.append(error.message)
        return None


def _problems(database: Database) -> tuple[ProblemNote, ...]:
    return (*database.engine.problems(), *(ProblemNote(message) for message in database.damage))


def _print_facts(session: Session, facts: dict[str, Any], lock_seen: str, notes: list[str]) -> None:
    rows = [
        ("File", facts["path"]),
        ("Format", facts["format"]),
        ("Variant", facts["variant"]),
        ("Why", facts["reason"]),
        *(("Files" if first else "", name) for first, name in _firsts(facts["files"])),
        ("Entries", "unknown" if facts["entries"] is None else f"{facts['entries']:,}"),
        ("Size", f"{facts['bytes']:,} bytes"),
        ("Byte order", facts["byte_order"] or "none"),
        ("Shelf", "yes" if facts["shelf"] else "no"),
        ("Writable", "yes" if facts["writable"] else f"no: {facts['why_read_only']}"),
        *([("In use", lock_seen)] if lock_seen else []),
        *(("Notes" if first else "", note) for first, note in _firsts(notes)),
        *_problem_rows(facts["problems"]),
    ]
    width = max(len(label) for label, _text in rows) + 2
    for label, text in rows:
        session.output.line(f"{label:{width}}{escape_text(text)}".rstrip())


def _firsts(names: list[str]) -> list[tuple[bool, str]]:
    return [(number == 0, name) for number, name in enumerate(names)]


def _problem_rows(problems: list[dict[str, Any]]) -> list[tuple[str, str]]:
    if not problems:
        return [("Problems", "none")]
    texts = [_problem_text(problem) for problem in problems[:_PROBLEMS_SHOWN]]
    if len(problems) > _PROBLEMS_SHOWN:
        texts.append(f"… and {len(problems) - _PROBLEMS_SHOWN:,} more; --json lists all")
    return [("Problems" if first else "", text) for first, text in _firsts(texts)]


def _problem_text(problem: dict[str, Any]) -> str:
    offset = problem["offset"]
    return problem["message"] if offset is None else f"{problem['message']} (byte {offset:,})"
