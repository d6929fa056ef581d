"""The panes and small widgets: bounded, paged, and plain text whatever a file says."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QPalette
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from app.errors import AppError
from app.ui.labels import ElidedLabel
from app.ui.notices import NoticeBar
from app.ui.theme import Family, Theme, apply_theme, colours_of, family_of
from app.ui.views.hex_pane import HEX_PAGE, HexPane
from app.ui.views.hex_text import hex_text
from app.ui.views.panes import TextPane

HOSTILE = "<img src='file:///etc/passwd'><b>bold</b>"


def test_hex_lines_show_offset_bytes_and_letters() -> None:
    data = bytes(range(0x20, 0x30)) + b"\x00A"

    assert hex_text(0x1000, data).splitlines() == [
        "00001000  20 21 22 23 24 25 26 27  28 29 2a 2b 2c 2d 2e 2f   !\"#$%&'()*+,-./",
        "00001010  00 41" + " " * 45 + "·A",
    ]


def test_a_large_value_is_shown_by_pages(qtbot: QtBot) -> None:
    pane = HexPane()
    qtbot.addWidget(pane)
    asked: list[tuple[int, int]] = []
    pane.wanted.connect(lambda start, length: asked.append((start, length)))

    pane.show_value(HEX_PAGE + 10)
    pane.show_bytes(0, b"\x11" * HEX_PAGE)
    button(pane, "Further bytes").click()
    pane.show_bytes(0, b"late")
    pane.show_bytes(HEX_PAGE, b"\x22" * 10)

    assert asked == [(0, HEX_PAGE), (HEX_PAGE, 10)]
    assert pane.pane.toPlainText() == hex_text(HEX_PAGE, b"\x22" * 10)
    assert not button(pane, "Further bytes").isEnabled()
    button(pane, "Earlier bytes").click()
    assert asked[-1] == (0, HEX_PAGE)


def button(pane: HexPane, title: str) -> QToolButton:
    return next(button for button in pane.findChildren(QToolButton) if button.accessibleName() == title)


def test_an_empty_value_has_no_bytes_to_ask_for(qtbot: QtBot) -> None:
    pane = HexPane()
    qtbot.addWidget(pane)
    pane.show_value(5)

    with qtbot.assertNotEmitted(pane.wanted):
        pane.show_value(0)

    assert pane.pane.toPlainText() == ""


def test_very_long_lines_are_folded(qtbot: QtBot) -> None:
    pane = TextPane("text-pane", "Text")
    qtbot.addWidget(pane)

    pane.show_text("x" * 10_000 + "\nshort\n")
    qtbot.waitUntil(lambda: pane.toPlainText().endswith("short\n"))

    assert pane.toPlainText().replace("\n", "") == "x" * 10_000 + "short"
    assert max(map(len, pane.toPlainText().splitlines())) == 1_000


def test_a_long_text_comes_in_slices_and_the_next_one_replaces_it(qtbot: QtBot) -> None:
    pane = TextPane("text-pane", "Text")
    qtbot.addWidget(pane)
    lines = "\n".join(f"line {number}" for number in range(9_000))

    pane.show_text(lines)
    assert pane.toPlainText() != lines
    assert lines.startswith(pane.toPlainText())
    qtbot.waitUntil(lambda: pane.toPlainText() == lines)

    pane.show_text(lines)
    pane.show_text("short")
    qtbot.wait(50)
    assert pane.toPlainText() == "short"


def test_a_notice_is_plain_text_and_goes_away(qtbot: QtBot) -> None:
    bar = NoticeBar()
    qtbot.addWidget(bar)

    bar.show_error(AppError(HOSTILE))
    label = bar.findChild(QLabel, "notice-sentence")
    assert label is not None
    assert label.textFormat() is Qt.TextFormat.PlainText
    assert bar.sentence == HOSTILE
    assert bar.isVisible()

    bar.show_info("Saved.")
    assert bar.sentence == "Saved."
    bar.clear()
    assert not bar.isVisible()


def test_a_crash_notice_shows_no_traceback_and_copies_the_report(qtbot: QtBot) -> None:
    bar = NoticeBar()
    qtbot.addWidget(bar)

    bar.show_crash("Traceback: ZeroDivisionError")
    assert "Traceback" not in bar.sentence
    copy = bar.findChild(QPushButton)
    assert copy is not None
    copy.click()

    report = QGuiApplication.clipboard().text()
    assert "ZeroDivisionError" in report
    assert "PySide6" in report


def test_a_label_escapes_its_tooltip_and_keeps_its_text(qtbot: QtBot) -> None:
    label = ElidedLabel("x", "What it is")
    qtbot.addWidget(label)

    label.show_text(HOSTILE)

    assert label.text() == HOSTILE
    assert "<img" not in label.toolTip()
    assert label.accessibleName() == HOSTILE


@pytest.mark.parametrize(("theme", "is_dark"), [(Theme.LIGHT, False), (Theme.DARK, True)])
def test_a_theme_is_readable(qtbot: QtBot, qapp: QGuiApplication, theme: Theme, is_dark: bool) -> None:
    apply_theme(theme)

    shown = qapp.palette()
    assert (shown.color(QPalette.ColorRole.Base).lightness() < 128) == is_dark
    for role, back in (
        (QPalette.ColorRole.Text, QPalette.ColorRole.Base),
        (QPalette.ColorRole.WindowText, QPalette.ColorRole.Window),
        (QPalette.ColorRole.HighlightedText, QPalette.ColorRole.Highlight),
    ):
        assert contrast(shown.color(role).getRgbF(), shown.color(back).getRgbF()) > 7
    colours = colours_of(shown)
    for family in Family:
        assert contrast(colours.types[family].getRgbF(), colours.badges[family].getRgbF()) > 4.5
    apply_theme(Theme.LIGHT)


def contrast(one: object, other: object) -> float:
    """Return the contrast ratio of WCAG 2."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: object) -> float:
    assert isinstance(colour, tuple)
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
    return float(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])


def test_types_have_families() -> None:
    names = ("str", "int", "dict", "datetime.date", "shop.models.Order", "damaged")

    assert [family_of(name) for name in names] == [
        Family.TEXT, Family.NUMBER, Family.CONTAINER, Family.TIME, Family.OBJECT, Family.DAMAGED,
    ]  # fmt: skip
