"""What keys say that are values themselves comes with the summaries of their entries."""

import dbm.dumb
import pickle
from contextlib import closing
from pathlib import Path

from app.cancel import CancelToken
from app.engine.local import LocalEngine


def test_a_summary_says_what_its_key_is(tmp_path: Path) -> None:
    with closing(dbm.dumb.open(str(tmp_path / "cache"), "n")) as database:
        database[pickle.dumps(("user", 42))] = pickle.dumps(1)
        database[b"plain"] = pickle.dumps(2)
    engine = LocalEngine()
    with closing(engine):
        engine.open(str(tmp_path / "cache"), CancelToken())
        count = sum(len(chunk) for chunk in engine.index(CancelToken()))

        summaries = engine.summaries(range(count), CancelToken())

    assert [(summary.key, summary.text) for summary in summaries] == [("('user', 42)", "1"), ("", "2")]
