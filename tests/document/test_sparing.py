"""The collector of cycles keeps away from work on very many entries, and comes back whatever happens."""

import gc

import pytest

from app.document.sparing import MANY, look_again, spared
from app.errors import AppError


def test_the_collector_is_away_while_many_entries_are_worked_on() -> None:
    with spared(MANY):
        inside = gc.isenabled()

    assert not inside
    assert gc.isenabled()
    look_again()


def test_what_many_entries_need_is_not_looked_at_until_a_document_is_closed() -> None:
    kept = []
    with spared(MANY):
        kept.append({"made": "meanwhile"})
    frozen = gc.get_freeze_count()

    look_again()

    assert frozen > 0
    assert gc.get_freeze_count() == 0


def test_few_entries_are_worked_on_as_everything_else() -> None:
    with spared(MANY - 1):
        assert gc.isenabled()

    assert gc.get_freeze_count() == 0


def test_the_collector_comes_back_after_the_last_of_several_and_after_a_failure() -> None:
    with spared(MANY):
        with pytest.raises(AppError), spared(MANY):
            raise AppError("It failed.")
        assert not gc.isenabled()

    assert gc.isenabled()
    look_again()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with spared(MANY):
            pass

        assert not gc.isenabled()
    finally:
        gc.enable()
        look_again()
