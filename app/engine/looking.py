"""What is told of a container as a whole: what it is, and what is wrong with it."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from app import limits
from app.backends.base import Backend, Match
from app.backends.registry import open_database, recognise
from app.backends.writer import Writer
from app.cancel import CancelToken
from app.codecs import registry as codecs
from app.engine.base import Info, ProblemNote, Refusals, RefusedEntry
from app.errors import BackendError


def check(path: Path, token: CancelToken) -> tuple[ProblemNote, ...]:
    """Return everything in which the files contradict their format, at most `limits.PROBLEMS` of it."""
    with open_database(path, codecs.VALUE_ENDS) as backend:
        problems = list(islice(backend.check(token), limits.PROBLEMS + 1))
    found = [ProblemNote(problem.message, problem.offset) for problem in problems]
    if len(found) > limits.PROBLEMS:
        found[limits.PROBLEMS - 1 :] = [ProblemNote("There is more damage than is listed here.")]
    return tuple(found)


def format_of(path: Path) -> str | None:
    """Return what a file that cannot be opened is recognised as, None where it is as nothing."""
    try:
        return recognise(path, codecs.VALUE_ENDS).format_id
    except BackendError:
        return None


def is_container(path: Path) -> bool:
    """Tell whether a file is a database by its head; files of bare values are none here."""
    try:
        recognise(path)
    except BackendError:
        return False
    return True


def unstorable(writer: Writer, entries: Sequence[tuple[bytes, int]], token: CancelToken) -> Refusals:
    """Return which new entries, each a key and the size of a value in bytes, a writer refuses."""
    refused = []
    for key, size in entries:
        token.check()
        if reason := writer.why_refused(key, size):
            refused.append(RefusedEntry(key, reason))
    return Refusals(len(refused), tuple(refused[: limits.PROBLEMS]))


def info_of(path: str, match: Match, backend: Backend | None, recognised_only: str = "") -> Info:
    """Return what is known of a database from its match, and from its backend where something opens it."""
    return Info(
        path=path,
        format=match.format_id,
        variant=match.variant,
        reason=match.reason,
        files=tuple(str(file) for file in match.files),
        bytes=sum(file.stat().st_size for file in match.files if file.exists()),
        byte_order=match.byte_order,
        why_read_only=backend.why_read_only if backend else recognised_only,
        lock_seen=backend.lock_seen if backend else "",
        may_repeat=backend.may_repeat if backend else False,
        numbers_records=backend.numbers_records if backend else False,
        recognised_only=recognised_only,
        main=str(match.path),
    )
