"""Typed JSON through both engines: of one value, and of a database."""

import json
import pickle
from pathlib import Path

import pytest

from app.cancel import CancelToken
from app.engine.base import Engine
from tests.cli.shelves import make_dumb

VALUES: dict[bytes, object] = {b"a": (1, b"\xff"), b"b": {2: {3}}}


@pytest.fixture
def opened(engine: Engine, tmp_path: Path) -> Engine:
    path = make_dumb(tmp_path / "shelf", {key: pickle.dumps(value) for key, value in VALUES.items()})
    engine.open(str(path), CancelToken())
    list(engine.index(CancelToken()))
    return engine


def test_a_value_is_one_document(opened: Engine) -> None:
    assert opened.typed(0, "", CancelToken()) == '{"py/tuple":[1,{"py/b64":"/w=="}]}'
    assert opened.typed(1, "[2]", CancelToken()) == '{"py/set":[3]}'


def test_an_export_holds_a_document_for_each_value(opened: Engine, tmp_path: Path) -> None:
    target = tmp_path / "out.json"

    reports = list(opened.export(None, str(target), lines=False, typed=True, token=CancelToken()))

    expected = {"a": {"py/tuple": [1, {"py/b64": "/w=="}]}, "b": {"json://2": {"py/set": [3]}}}
    assert reports[-1].finished
    assert json.loads(target.read_text(encoding="utf-8")) == expected


def test_names_of_extension_codes_are_known_to_every_engine(engine: Engine, tmp_path: Path) -> None:
    path = make_dumb(tmp_path / "shelf", {b"a": b"\x80\x02\x82\x07."})
    engine.open(str(path), CancelToken())
    list(engine.index(CancelToken()))
    before = engine.tree(0, "", 10, CancelToken())

    engine.name_extensions({7: "shop.Order"}, CancelToken())

    after = engine.tree(0, "", 10, CancelToken())
    engine.name_extensions({}, CancelToken())
    assert before == {"t": "ext", "code": 7}
    assert after == {"t": "ext", "code": 7, "name": "shop.Order"}
