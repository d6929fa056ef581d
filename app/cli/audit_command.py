"""``audit``: what the values name and what a real decoder would call; nothing of it is run."""

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from typing import Any

import click

from app.cli.database import Database, opened
from app.cli.exit_codes import ExitCode
from app.cli.output import Output
from app.cli.parameters import Command, extensions_option, file_argument
from app.cli.session import Session
from app.codecs.findings import Audit, Risk
from app.errors import AppError


@click.command(cls=Command)
@file_argument
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@extensions_option
@click.pass_obj
def audit(session: Session, file: str, *, as_json: bool) -> ExitCode:
    """Tell which classes and functions the values of FILE name, and what Python would call to load them."""
    with opened(file) as database:
        audits = _audits(database)
        if as_json:
            _write_json(database, session.output, audits)
        else:
            _write_text(database, session.output, audits)
        return database.finish()


def _audits(database: Database) -> Iterator[tuple[bytes, Audit]]:
    """Yield key and audit of the entries that name anything, in file order; what cannot be followed is damage."""
    for entry_id in range(len(database.entries)):
        key = database.shown_key(database.entries.key(entry_id))
        try:
            found = database.engine.audit(entry_id, database.token)
        except AppError as error:
            database.damage.append(f"the value of {database.key_text(key)} cannot be audited: {error.message}")
            continue
        if found.gaps:
            more = f" (and {len(found.gaps) - 1:,} more places)" if len(found.gaps) > 1 else ""
            text = f"the value of {database.key_text(key)} is audited only up to where it can be followed"
            database.damage.append(f"{text}{more}: {found.gaps[0]}")
        if found.globals or found.calls or found.behind:
            yield key, found


def _write_text(database: Database, output: Output, audits: Iterator[tuple[bytes, Audit]]) -> None:
    entries, names, risks, is_followed = 0, set[str](), Counter[str](), True
    for key, found in audits:
        entries += 1
        is_followed &= not found.behind
        output.line(database.key_text(key))
        called = {call.callable for call in found.calls}
        for call in found.calls:
            output.line(f"  {call.risk:<10} calls {call.callable} at {call.path or 'the root'}: {call.why}")
        for name in found.globals:
            if name.name not in called:
                output.line(f"  {name.risk:<10} names {name.name} at {name.path or 'the root'}")
        for name in found.behind:
            where = f"offset {name.offset:,}" + (f" of {name.path}" if name.path else "")
            output.line(f"  {name.risk:<10} names {name.name} at {where}, where it cannot be followed")
        if found.more:
            output.line(f"  … and {found.more:,} more")
        names.update(name.name for name in (*found.globals, *found.behind))
        risks.update(str(call.risk) for call in found.calls)
    output.line(_total(database, entries, len(names), risks, is_followed=is_followed))


def _total(database: Database, entries: int, names: int, risks: "Counter[str]", *, is_followed: bool) -> str:
    if not entries and (database.damage or database.engine.problems()):
        return f"What could be followed of the values of {database.name} names no class or function."
    if not entries:
        return f"The values of {database.name} name no class or function, and loading them calls none."
    calls = ", ".join(f"{risks[risk]:,} {risk}" for risk in reversed(Risk) if risks[risk])
    named = f"{entries:,} of {len(database.entries):,} values name {names:,} classes or functions"
    return f"{named}; calls: {calls or 'none'}{'' if is_followed else ' that can be followed'}."


def _write_json(database: Database, output: Output, audits: Iterator[tuple[bytes, Audit]]) -> None:
    output.line('{"entries": [')
    separator = ""
    for key, found in audits:
        output.json(separator + json.dumps({**named(key), **_plain(found)}, ensure_ascii=False))
        separator = ",\n"
    output.line("\n]}" if separator else "]}")


def named(key: bytes) -> dict[str, str]:
    """Return what names an entry in JSON: its key as text, or in base64 where it is none."""
    try:
        return {"key": key.decode()}
    except UnicodeDecodeError:
        return {"key_base64": b64encode(key).decode()}


def _plain(found: Audit) -> dict[str, Any]:
    globals_ = [{"name": name.name, "path": name.path, "offset": name.offset} for name in found.globals]
    calls = [
        {"callable": call.callable, "path": call.path, "offset": call.offset, "risk": call.risk, "why": call.why}
        for call in found.calls
    ]
    rest = {
        "more": found.more,
        "behind": [{"name": name.name, "path": name.path, "offset": name.offset} for name in found.behind],
        "gaps": list(found.gaps),
    }
    return {"globals": globals_, "calls": calls, **{name: told for name, told in rest.items() if told}}
