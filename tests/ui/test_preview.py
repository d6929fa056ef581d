"""Values that are pictures are shown; hostile ones cost a sentence."""

import pickle
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QBuffer, QIODevice, Qt
from PySide6.QtGui import QColor, QImage, QImageReader
from pytestqt.qtbot import QtBot

from app.document.pictures import PICTURE_BYTES, picture_format
from app.errors import CodecError, DecodeError, LimitExceeded
from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from app.ui.pictures import MOST_PIXELS, decoded
from tests.engine.shelves import make_sqlite
from tests.ui.editing import LEFT, Key, go, press
from tests.ui.fixtures import opened, settle

RED, BLUE = QColor(255, 0, 0), QColor(0, 0, 255)


def picture(name: str, width: int = 12, height: int = 8, colour: QColor = RED) -> bytes:
    """Return the bytes of a picture of one colour, as Qt writes it."""
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(colour)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    assert image.save(buffer, name)  # type: ignore[call-overload]  # the stubs want bytes, which PySide refuses
    return bytes(buffer.data().data())


GIF = bytes.fromhex("4749463839610100010080000000ff00ffffff2c00000000010001000002024401003b")
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'


def png_that_claims(width: int, height: int) -> bytes:
    """Return a PNG with a header only."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))


# ---- decoding


@pytest.mark.parametrize("name", ["png", "jpeg", "bmp", "webp", "tiff"])
def test_pictures_of_plain_formats_are_decoded(name: str) -> None:
    found = decoded(picture(name))

    assert (found.image.width(), found.image.height()) == (12, 8)
    assert found.image.pixelColor(3, 3).red() > 240
    assert found.caption.startswith(f"{name.upper()}, 12 by 8 pixels, ")


def test_the_first_frame_of_a_gif_is_decoded() -> None:
    assert decoded(GIF).image.width() == 1


@pytest.mark.parametrize(
    "data", [b"", b"plain", SVG, b"<?xml?>" + SVG, b"RIFF1234WAVE", b"/* XPM */", b"P6 1 1 255\n\0\0\0"]
)
def test_nothing_else_is_decoded(data: bytes) -> None:
    assert not picture_format(data)
    with pytest.raises(DecodeError, match="no picture"):
        decoded(data)


def test_a_drawing_behind_the_mark_of_a_picture_is_not_drawn() -> None:
    with pytest.raises(DecodeError, match="damaged"):
        decoded(b"\x89PNG\r\n\x1a\n" + SVG)


@pytest.mark.parametrize("size", [(50_000, 50_000), (2**31 - 1, 1), (MOST_PIXELS + 1, 1)])
def test_a_picture_that_claims_to_be_huge_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises((LimitExceeded, DecodeError), match=r"too large|damaged"):
        decoded(png_that_claims(*size))


def test_a_large_picture_is_kept_small() -> None:
    found = decoded(picture("png", 4_000, 1_000))

    assert (found.image.width(), found.image.height()) == (2_000, 500)
    assert "4,000 by 1,000 pixels" in found.caption


@pytest.mark.qt_log_ignore(".*")  # Qt tells of each damage
@pytest.mark.parametrize("name", ["png", "jpeg", "bmp", "webp", "gif", "tiff"])
@given(data=st.data())
def test_a_damaged_picture_costs_a_sentence(name: str, data: st.DataObject) -> None:
    good = bytearray(GIF if name == "gif" else picture(name))
    for _ in range(data.draw(st.integers(1, 5))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(good)))

    try:
        found = decoded(bytes(good[:cut]))
    except CodecError as error:
        assert error.message.endswith(".")  # noqa: PT017 - it may be whole all the same
    else:
        assert not found.image.isNull()


def test_a_format_that_qt_has_no_reader_of_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data = picture("tiff")
    monkeypatch.setattr(QImageReader, "supportedImageFormats", list)

    with pytest.raises(DecodeError, match="Qt has no reader of TIFF pictures on this machine"):
        decoded(data)


# ---- in the window


@pytest.fixture
def tab(qtbot: QtBot, child_window: MainWindow, tmp_path: Path) -> DatabaseTab:
    red, blue = picture("png"), picture("jpeg", colour=BLUE)
    entries = {
        b"raw": red,
        b"text": pickle.dumps("no picture", 4),
        b"nodes": pickle.dumps({"icon": blue, "array": bytearray(red), "name": "x", "start": b"BMW"}, 4),
        b"pickled": pickle.dumps(red, 2),
        b"damaged": red[:40],
    }
    return opened(qtbot, child_window, make_sqlite(tmp_path / "pictures.db", entries))


def choose(qtbot: QtBot, tab: DatabaseTab, row: int) -> None:
    tab.entries.view.select_entry(tab.entries.model.entry_id(row))
    settle(qtbot, tab)


def is_offered(tab: DatabaseTab) -> bool:
    panes = tab.value.panes
    return panes.isTabVisible(panes.indexOf(panes.preview))


def click_preview(qtbot: QtBot, tab: DatabaseTab) -> None:
    bar = tab.value.panes.tabBar()
    qtbot.mouseClick(bar, LEFT, pos=bar.tabRect(tab.value.panes.indexOf(tab.value.panes.preview)).center())
    settle(qtbot, tab)


def test_an_entry_that_is_a_picture_has_a_preview(qtbot: QtBot, tab: DatabaseTab) -> None:
    choose(qtbot, tab, 0)
    click_preview(qtbot, tab)

    pane = tab.value.panes.preview
    assert pane.isVisible()
    assert pane.objectName() == "preview-pane"
    assert pane.caption.startswith("PNG, 12 by 8 pixels, ")
    assert pane.accessibleDescription() == pane.caption
    shown = pane.grab().toImage()
    assert [shown.pixelColor(pane.width() // 2, y) for y in range(pane.height())].count(RED) == 8


@pytest.mark.parametrize(("row", "path", "start"), [(2, "['icon']", "JPEG"), (2, "['array']", "PNG"), (3, "", "PNG")])
def test_bytes_within_a_value_have_a_preview(qtbot: QtBot, tab: DatabaseTab, row: int, path: str, start: str) -> None:
    choose(qtbot, tab, row)

    go(qtbot, tab, path)
    settle(qtbot, tab)

    assert is_offered(tab)
    assert tab.value.panes.preview.caption.startswith(start)


@pytest.mark.parametrize("path", ["['name']", "['start']", ""])
def test_what_is_no_picture_has_none(qtbot: QtBot, tab: DatabaseTab, path: str) -> None:
    choose(qtbot, tab, 2)

    go(qtbot, tab, path)
    settle(qtbot, tab)

    assert not is_offered(tab)


def test_the_preview_comes_back_with_the_next_picture(qtbot: QtBot, tab: DatabaseTab) -> None:
    choose(qtbot, tab, 0)
    click_preview(qtbot, tab)

    choose(qtbot, tab, 1)
    assert not is_offered(tab)
    assert tab.value.panes.currentWidget() is tab.value.panes.text
    choose(qtbot, tab, 3)

    assert tab.value.panes.currentWidget() is tab.value.panes.preview


def test_another_pane_stays_in_front_where_it_was_chosen(qtbot: QtBot, tab: DatabaseTab) -> None:
    choose(qtbot, tab, 1)

    choose(qtbot, tab, 0)

    assert is_offered(tab)
    assert tab.value.panes.currentWidget() is tab.value.panes.text


@pytest.mark.qt_log_ignore(".*")  # Qt tells of the damage
def test_a_damaged_picture_is_said_to_be_so(qtbot: QtBot, tab: DatabaseTab) -> None:
    choose(qtbot, tab, 4)
    click_preview(qtbot, tab)

    assert tab.value.panes.preview.image.isNull()
    assert tab.value.panes.preview.caption == "This picture is damaged, so it cannot be shown."


def test_the_row_that_takes_the_place_of_a_deleted_picture_is_shown(qtbot: QtBot, tab: DatabaseTab) -> None:
    choose(qtbot, tab, 2)
    go(qtbot, tab, "['icon']")
    settle(qtbot, tab)
    assert tab.value.panes.preview.caption.startswith("JPEG")

    press(qtbot, tab, Key.Key_Delete)
    assert tab.value.panes.preview.caption.startswith("PNG")
    press(qtbot, tab, Key.Key_Delete)

    assert not is_offered(tab)


def test_a_value_that_is_too_large_is_not_read_for_it(qtbot: QtBot, child_window: MainWindow, tmp_path: Path) -> None:
    large = picture("png") + bytes(PICTURE_BYTES)
    tab = opened(qtbot, child_window, make_sqlite(tmp_path / "large.db", {b"k": large}))

    settle(qtbot, tab)

    assert is_offered(tab)
    assert tab.value.panes.preview.caption == "This picture is too large to be shown."


def test_a_transparent_picture_stands_on_squares(qtbot: QtBot, tab: DatabaseTab) -> None:
    pane = tab.value.panes.preview
    image = QImage(40, 40, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    pane.resize(200, 200)

    pane.show_picture(image, "")

    shown = pane.grab().toImage()
    line = pane.fontMetrics().height()
    top = (200 - 2 * line) // 2 - 10
    assert len({shown.pixelColor(x, top).rgb() for x in range(85, 115)}) == 2
