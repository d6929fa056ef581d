"""The dialog for a new database: its names, formats and options, before anything is made."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QLineEdit, QPushButton, QTableView, QWidget
from pytestqt.qtbot import QtBot

from app.backends.formats import FORMATS, Format
from app.backends.registry import new_writer
from app.backends.writer import CreateOptions
from app.engine.base import NewDatabase
from app.ui.dialogs.format_texts import DEFAULT_FORMAT, choice_text, writable_formats
from app.ui.dialogs.new_database import NewDatabaseDialog, Wish
from app.ui.dialogs.places import Place
from app.ui.labels import ElidedLabel
from tests.ui.fixtures import WAIT
from tests.ui.making import answer_replace, choose_format, part, press_enter, type_place

Key = Qt.Key


@pytest.fixture
def host(qtbot: QtBot) -> QWidget:
    """A window for the dialog: one without would be deleted by Python before what it asks is."""
    widget = QWidget()
    qtbot.addWidget(widget)
    return widget


def shown(host: QWidget, wish: Wish) -> tuple[NewDatabaseDialog, list[NewDatabase]]:
    dialog = NewDatabaseDialog(wish, host)
    chosen: list[NewDatabase] = []
    dialog.chosen.connect(chosen.append)
    dialog.show()
    return dialog, chosen


def typed(dialog: QDialog) -> str:
    return part(dialog, QLineEdit, "new-place").text()


def hint(dialog: QDialog) -> str:
    return part(dialog, ElidedLabel, "new-hint").text()


def formats_of(dialog: QDialog) -> dict[str, str]:
    """Return the formats that are offered, each with what it is good for."""
    model = part(dialog, QTableView, "formats").model()
    return {model.index(row, 0).data(): model.index(row, 1).data() for row in range(model.rowCount())}


def test_enter_makes_the_default_format_under_a_free_name(qtbot: QtBot, host: QWidget, tmp_path: Path) -> None:
    (tmp_path / "untitled.db").touch()
    dialog, chosen = shown(host, Wish("New database", "Create", tmp_path))

    press_enter(qtbot, dialog)

    assert chosen == [NewDatabase(str(tmp_path / "untitled-2.db"), DEFAULT_FORMAT)]


def test_every_writable_format_is_listed_with_what_it_is_good_for(qtbot: QtBot, host: QWidget, tmp_path: Path) -> None:
    dialog, _ = shown(host, Wish("New database", "Create", tmp_path))

    new = [form for form in FORMATS.values() if form.writable and form.can_be_empty]
    assert formats_of(dialog) == {form.label: form.use for form in new}


@pytest.mark.parametrize("form", list(writable_formats()), ids=lambda form: form.format_id)
def test_the_files_that_are_told_are_those_that_the_writer_makes(tmp_path: Path, form: Format) -> None:
    writer, base = new_writer(form.format_id, CreateOptions()), tmp_path / "x"

    place = Place.of(str(base), form)

    assert set(place.files) == set(writer.paths(base))
    assert set(place.leftovers) == set(writer.in_the_way(base))


def test_every_choice_of_every_option_has_a_text_of_its_own() -> None:
    for form in FORMATS.values():
        for option in form.options:
            texts = [choice_text(option.name, choice) for choice in option.choices]

            assert all(texts)
            assert len(set(texts)) == len(texts)


def test_the_name_follows_the_format_until_one_is_typed(qtbot: QtBot, host: QWidget, tmp_path: Path) -> None:
    dialog, chosen = shown(host, Wish("New database", "Create", tmp_path))

    choose_format(dialog, "gdbm")
    assert typed(dialog) == str(tmp_path / "untitled.gdbm")
    type_place(qtbot, dialog, tmp_path / "mine")
    choose_format(dialog, "cdb")
    press_enter(qtbot, dialog)

    assert chosen == [NewDatabase(str(tmp_path / "mine"), "cdb")]


def test_arrow_keys_choose_a_format_and_enter_makes_it(qtbot: QtBot, host: QWidget, tmp_path: Path) -> None:
    dialog, chosen = shown(host, Wish("New database", "Create", tmp_path))
    table = part(dialog, QTableView, "formats")
    table.setFocus()

    qtbot.keyClick(table, Key.Key_Down)
    qtbot.keyClick(table, Key.Key_Return)

    assert [target.format for target in chosen] == ["dumb"]


def test_only_options_that_differ_from_the_default_are_asked_for(qtbot: QtBot, host: QWidget, tmp_path: Path) -> None:
    dialog, chosen = shown(host, Wish("New database", "Create", tmp_path))
    choose_format(dialog, "gdbm")

    boxes = [box for box in dialog.findChildren(QComboBox) if box.isVisible()]
    names = {box.objectName(): box for box in boxes}
    names["option-byte_order"].setCurrentIndex(1)
    names["option-numsync"].setCurrentIndex(1)
    press_enter(qtbot, dialog)

    assert len(boxes) == 4
    assert all(box.accessibleName() for box in boxes)
    assert chosen[0].options == {"byte_order": "big", "numsync": True}


def test_a_name_that_is_taken_asks_first_and_may_be_kept(qtbot: QtBot, host: QWidget, tmp_path: Path) -> None:
    taken = tmp_path / "taken.db"
    taken.touch()
    dialog, chosen = shown(host, Wish("New database", "Create", tmp_path, path=taken))
    assert "backup" in hint(dialog)

    press_enter(qtbot, dialog)
    answer_replace(dialog, replaces=False)
    assert chosen == []
    assert dialog.isVisible()

    press_enter(qtbot, dialog)
    answer_replace(dialog, replaces=True)
    assert chosen == [NewDatabase(str(taken), DEFAULT_FORMAT, replaces=True)]


def test_one_file_of_several_stands_for_all(qtbot: QtBot, host: QWidget, tmp_path: Path) -> None:
    dialog, chosen = shown(host, Wish("New database", "Create", tmp_path))
    choose_format(dialog, "dumb")
    type_place(qtbot, dialog, tmp_path / "shelf.dat")

    assert hint(dialog) == "Makes shelf.dat and shelf.dir."
    press_enter(qtbot, dialog)

    assert chosen == [NewDatabase(str(tmp_path / "shelf"), "dumb")]


@pytest.mark.parametrize(
    ("name", "said"), [("no/such/x.db", "There is no folder"), ("", "Type a name"), ("folder", "is a folder")]
)
def test_a_place_that_will_not_do_says_why_and_enter_does_nothing(
    qtbot: QtBot, host: QWidget, tmp_path: Path, name: str, said: str
) -> None:
    (tmp_path / "folder").mkdir()
    dialog, chosen = shown(host, Wish("New database", "Create", tmp_path))

    part(dialog, QLineEdit, "new-place").setText(str(tmp_path / name) if name else "")
    press_enter(qtbot, dialog)

    assert said in hint(dialog)
    assert not part(dialog, QPushButton, "new-go").isEnabled()
    assert chosen == []


def test_a_database_that_is_open_is_not_written_over(qtbot: QtBot, host: QWidget, tmp_path: Path) -> None:
    own = tmp_path / "own.db"
    own.touch()
    dialog, chosen = shown(host, Wish("New database", "Create", tmp_path, kept={own}))

    type_place(qtbot, dialog, own)
    press_enter(qtbot, dialog)

    assert "is open here" in hint(dialog)
    assert chosen == []


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_copy_in_the_same_format_keeps_its_layout_unless_told(
    qtbot: QtBot, host: QWidget, tmp_path: Path, is_kept: bool
) -> None:
    wish = Wish("Save as", "Save", tmp_path, "shop", source_format="gdbm", source_name="shop.dbm", suffix=".dbm")
    dialog, chosen = shown(host, wish)
    keep = next(box for box in dialog.findChildren(QCheckBox, "keep-layout") if box.isVisible())

    if not is_kept:
        keep.click()
    press_enter(qtbot, dialog)

    assert keep.text() == "Same layout as shop.dbm"
    assert chosen == [NewDatabase(str(tmp_path / "shop.dbm"), "gdbm", keeps_layout=is_kept)]


def test_escape_asks_for_nothing(qtbot: QtBot, host: QWidget, tmp_path: Path) -> None:
    dialog, chosen = shown(host, Wish("New database", "Create", tmp_path))

    qtbot.keyClick(dialog, Key.Key_Escape)

    assert not dialog.isVisible()
    assert chosen == []


def test_the_fields_are_reached_by_tab_in_their_order_and_by_their_keys(
    qtbot: QtBot, host: QWidget, tmp_path: Path
) -> None:
    dialog, _ = shown(host, Wish("New database", "Create", tmp_path, format_id="bdb-hash"))
    reached: list[str] = []
    with qtbot.waitActive(dialog, timeout=WAIT):
        dialog.activateWindow()

    for _ in range(7):
        focused = dialog.focusWidget()
        reached.append(focused.objectName())
        qtbot.keyClick(focused, Key.Key_Tab)
    qtbot.keyClick(dialog, Key.Key_O, Qt.KeyboardModifier.AltModifier)

    options = ["option-page_size", "option-byte_order", "option-duplicates"]
    assert reached == ["new-place", "new-place-browse", "formats", *options, "new-go"]
    assert dialog.focusWidget().objectName() == "formats"


def test_a_pickle_file_is_offered_for_copies_alone(qtbot: QtBot, host: QWidget, tmp_path: Path) -> None:
    new, _ = shown(host, Wish("New database", "Create", tmp_path))
    copy, _ = shown(host, Wish("Convert", "Convert", tmp_path, source_format="sqlite3", source_name="x"))

    assert "Pickle file" not in formats_of(new)
    assert "Pickle file" in formats_of(copy)


def test_options_of_a_kept_layout_are_not_shown(qtbot: QtBot, host: QWidget, tmp_path: Path) -> None:
    dialog, _ = shown(host, Wish("Save as", "Save", tmp_path, source_format="gdbm", source_name="shop"))
    keep = next(box for box in dialog.findChildren(QCheckBox, "keep-layout") if box.isVisible())
    height = dialog.sizeHint().height()

    assert not [box for box in dialog.findChildren(QComboBox) if box.isVisible()]
    keep.click()
    assert len([box for box in dialog.findChildren(QComboBox) if box.isVisible()]) == 4
    assert dialog.sizeHint().height() == height


def test_sizes_are_listed_by_size_with_the_default_marked(qtbot: QtBot, host: QWidget, tmp_path: Path) -> None:
    dialog, chosen = shown(host, Wish("New database", "Create", tmp_path, format_id="gdbm"))
    sizes = next(box for box in dialog.findChildren(QComboBox, "option-page_size") if box.isVisible())

    listed = [sizes.itemText(place) for place in range(sizes.count())]
    assert listed[:4] == ["512 bytes", "1,024 bytes", "2,048 bytes", "4,096 bytes (default)"]
    assert sizes.currentText() == "4,096 bytes (default)"
    qtbot.keyClick(sizes, Key.Key_Up)
    press_enter(qtbot, dialog)

    assert chosen[0].options == {"page_size": 2048}
