"""The sweep of edits over the corpus, judged by the Pythons that wrote the files; run as a module it prints numbers.

``python -m tests.codecs.pickle.edit_judging`` makes the whole sweep, as the slow tests do.
"""

import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from app.errors import EncodeError
from tests import corpus
from tests.codecs.interpreters import VERSIONS, interpreter
from tests.codecs.pickle.edit_referee import judged
from tests.codecs.pickle.edit_sweep import REFUSED, TOKEN, Trial, decode, request, trials

HIGHEST_PROTOCOL = {"2.7": 2, "3.6": 4, "3.7": 4}
WRITER_OF = {"3.7": "3.6", "3.9": "3.8", "3.10": "3.8", "3.12": "3.11"}
"""Whose files a Python judges that wrote none of the corpus."""
LARGE = 20_000
"""Bytes of a pickle in which only a few places are tried."""
SAMPLED = 6
"""Edits of a file in the sample."""


@dataclass(frozen=True, slots=True)
class Made:
    """A trial of a file with the bytes that it gave, none where it was refused with the sentence ``why``."""

    case: corpus.ValueCase
    trial: Trial
    edited: bytes
    why: str = ""


def cases_of(version: str) -> list[corpus.ValueCase]:
    """Return the benign files that a Python judges: those it wrote."""
    writer = WRITER_OF.get(version, version) + "."
    return [case for case in corpus.values("benign") if str(case.sidecar["python"]).startswith(writer)]


def made(case: corpus.ValueCase, version: str, *, whole: bool) -> Iterator[Made]:
    """Yield the edits of a file, all of them or a sample."""
    data = case.read()
    value = decode(data)
    most, width = (150, 30) if whole else (12, 6)
    found = [
        trial
        for trial in trials(value, *((most, width) if len(data) < LARGE else (12, 4)))
        if trial.kind[:-1] != "protocol " or int(trial.kind[-1]) <= HIGHEST_PROTOCOL.get(version, 5)
    ]
    step = 1 if whole else max(len(found) // SAMPLED, 1)
    for trial in found[crc32(case.name.encode()) % step :: step]:
        try:
            yield Made(case, trial, value.edit(trial.edit, TOKEN))
        except EncodeError as error:
            yield Made(case, trial, b"", error.message)


def verdicts(version: str, folder: Path, *, whole: bool) -> list[tuple[Made, str]]:
    """Return the edits of a Python's files with where each result differs; "refused" where the class refuses both."""
    python = interpreter(version)
    assert python is not None
    tried = [each for case in cases_of(version) for each in made(case, version, whole=whole)]
    results = [each for each in tried if not each.why]
    found = judged(python, [request(each.case.read(), each.edited, each.trial) for each in results], folder)
    refused = [(each, f"not made: {reason_of(each)}") for each in tried if each.why]
    return [*zip(results, found, strict=True), *refused]


def reason_of(refused: Made) -> str:
    """Return the part of the sentence that all refusals for one reason have in common."""
    expected = REFUSED.search(refused.why)
    assert expected, (refused.case.name, refused.trial, refused.why)
    return expected.group()


def main() -> None:
    """Print how many edits were judged by each Python and what became of them."""
    for version in filter(interpreter, VERSIONS):
        with tempfile.TemporaryDirectory() as folder:
            found = verdicts(version, Path(folder), whole=True)
        kinds = Counter(each.trial.kind for each, _ in found)
        ends = Counter(re.sub(r":.*", "", verdict) if verdict else "equal" for _, verdict in found)
        sys.stdout.write(
            f"{version}: {len(cases_of(version))} files, {len(found):,} edits: {dict(ends)}\n  {dict(kinds)}\n"
        )
        reasons = Counter(
            (each.case.name.partition("__")[0], re.sub(r"\d+", "N", verdict)) for each, verdict in found if verdict
        )
        for (name, reason), count in reasons.most_common():
            sys.stdout.write(f"  {count:5,}  {name}: {reason[:150]}\n")


if __name__ == "__main__":
    main()
