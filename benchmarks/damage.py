"""What damage costs: over all damaged databases of the corpus, pairs that came out wrong, and whether we said so."""

import tempfile
from pathlib import Path

from app.backends.base import Backend
from app.backends.registry import open_database
from app.cancel import CancelToken
from app.codecs.registry import value_end
from app.errors import AppError
from tests import corpus


def main() -> None:
    print(f"{'damaged database':<56} {'right':>6} {'wrong':>6}  said")
    for case in corpus.databases(corrupt=True):
        with tempfile.TemporaryDirectory() as folder:
            right, wrong, complaints = count(case, case.copy_to(Path(folder)))
        print(f"{case.name:<56} {right:>6} {wrong:>6}  {'yes' if complaints else 'NO'}")


def count(case: corpus.DatabaseCase, path: Path) -> tuple[int, int, int]:
    """Return right pairs, wrong pairs and complaints."""
    pairs: list[tuple[bytes, bytes]] = []
    complaints = 0
    try:
        with open_database(path, value_end) as backend:
            complaints = read_into(pairs, backend) + len(backend.problems)
    except AppError:
        complaints += 1
    right = sum(case.knows(*pair) or corpus.expected_entry(*pair) in case.entries for pair in pairs)
    return right, len(pairs) - right, complaints


def read_into(pairs: list[tuple[bytes, bytes]], backend: Backend) -> int:
    """Read every value there is; return how many could not be read."""
    refused = 0
    for chunk in backend.index(CancelToken()):
        for row in range(len(chunk)):
            key = chunk.key(row)
            try:
                pairs.append((key, backend.read(key, chunk.locators[row], chunk.sizes[row])))
            except AppError:
                refused += 1
    return refused


if __name__ == "__main__":
    main()
