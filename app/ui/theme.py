"""The look: a light and a dark palette of our own over Fusion, and the colours of types."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import cache

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetrics, QPalette
from PySide6.QtWidgets import QApplication

from app.ui.settings import settings, text_setting

ENVIRONMENT = "SHELFSCOPE_THEME"
"""``light`` or ``dark`` overrides the setting, for screenshots."""
GAP = 8
"""Pixels between things."""
_ROW_HEIGHT = 24
PADDING = 6
"""Pixels between the edge of a cell or a column title and its text."""

_Role = QPalette.ColorRole


class Theme(StrEnum):
    """What a person can choose."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Family(Enum):
    """Types that share a colour."""

    TEXT = "text"
    NUMBER = "number"
    WORD = "word"
    BYTES = "bytes"
    CONTAINER = "container"
    TIME = "time"
    OBJECT = "object"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Colours:
    """What a palette has no role for."""

    types: Mapping[Family, QColor]
    badges: Mapping[Family, QColor]
    pending: QColor
    line: QColor
    dim: QColor
    warning: QColor
    error: QColor


_LIGHT_ROLES = {
    _Role.Window: "#f3f4f6", _Role.WindowText: "#1f2430", _Role.Base: "#ffffff", _Role.AlternateBase: "#f8f9fb",
    _Role.Text: "#1f2430", _Role.Button: "#f3f4f6", _Role.ButtonText: "#1f2430", _Role.BrightText: "#c62828",
    _Role.ToolTipBase: "#ffffff", _Role.ToolTipText: "#1f2430", _Role.Highlight: "#d6e4fd",
    _Role.HighlightedText: "#10264d", _Role.Link: "#1558d6", _Role.PlaceholderText: "#676e7b",
    _Role.Light: "#ffffff", _Role.Midlight: "#e9ebef", _Role.Mid: "#d3d7de", _Role.Dark: "#b3b9c4",
    _Role.Shadow: "#8a919e", _Role.Accent: "#2f6fed",
}  # fmt: skip
_DARK_ROLES = {
    _Role.Window: "#24272c", _Role.WindowText: "#dde1e8", _Role.Base: "#1b1d21", _Role.AlternateBase: "#1f2226",
    _Role.Text: "#dde1e8", _Role.Button: "#2d3137", _Role.ButtonText: "#dde1e8", _Role.BrightText: "#ff8a80",
    _Role.ToolTipBase: "#30343b", _Role.ToolTipText: "#dde1e8", _Role.Highlight: "#2c4368",
    _Role.HighlightedText: "#eef3fc", _Role.Link: "#82aaff", _Role.PlaceholderText: "#8f97a3",
    _Role.Light: "#3a3f47", _Role.Midlight: "#31353c", _Role.Mid: "#3a3f47", _Role.Dark: "#15171a",
    _Role.Shadow: "#0d0e10", _Role.Accent: "#5b8def",
}  # fmt: skip
_LIGHT_TYPES = {
    Family.TEXT: "#18794a", Family.NUMBER: "#1558d6", Family.WORD: "#7a3fd1", Family.BYTES: "#96590a",
    Family.CONTAINER: "#505a68", Family.TIME: "#0b6f86", Family.OBJECT: "#b0216a", Family.DAMAGED: "#c62828",
}  # fmt: skip
_DARK_TYPES = {
    Family.TEXT: "#74cf9f", Family.NUMBER: "#86adff", Family.WORD: "#c5a5ff", Family.BYTES: "#e2b26f",
    Family.CONTAINER: "#a9b3c1", Family.TIME: "#72d1de", Family.OBJECT: "#f297c2", Family.DAMAGED: "#ff8a80",
}  # fmt: skip
_FAMILIES = {
    **dict.fromkeys(("str", "str2", "unicode", "text", "json"), Family.TEXT),
    **dict.fromkeys(("int", "long", "float", "complex", "decimal.Decimal", "fractions.Fraction"), Family.NUMBER),
    **dict.fromkeys(("bool", "None", "NoneType", "none", "empty"), Family.WORD),
    **dict.fromkeys(("bytes", "bytearray", "raw", "buffer"), Family.BYTES),
    **dict.fromkeys(("list", "tuple", "dict", "set", "frozenset", "collections.deque"), Family.CONTAINER),
    **dict.fromkeys(("collections.OrderedDict", "collections.defaultdict"), Family.CONTAINER),
    "damaged": Family.DAMAGED,
}


def family_of(type_name: str) -> Family:
    """Return the colour family of a type by its name on the screen."""
    known = _FAMILIES.get(type_name)
    if known is not None:
        return known
    return Family.TIME if type_name.startswith("datetime.") else Family.OBJECT


def chosen_theme() -> Theme:
    """Return what the environment or the settings say."""
    name = os.environ.get(ENVIRONMENT) or text_setting("theme", Theme.SYSTEM)
    return Theme(name) if name in set(Theme) else Theme.SYSTEM


def choose_theme(theme: Theme) -> None:
    settings().setValue("theme", theme.value)
    apply_theme(theme)


def apply_theme(theme: Theme) -> None:
    """Give the application our palette; ``SYSTEM`` follows the desktop where it says what it wants."""
    scheme = QApplication.styleHints().colorScheme()
    is_dark = theme is Theme.DARK or (theme is Theme.SYSTEM and scheme is Qt.ColorScheme.Dark)
    shown = palette(is_dark=is_dark)
    QApplication.setPalette(shown)
    if is_dark:  # Fusion draws the frames of these too dark to be seen: the ground has to stand out
        shown.setColor(_Role.Base, shown.color(_Role.Mid))
        for kind in ("QCheckBox", "QRadioButton"):
            QApplication.setPalette(shown, kind)  # type: ignore[arg-type]  # the stub wants bytes, PySide refuses them


def palette(*, is_dark: bool) -> QPalette:
    result = QPalette()
    for role, name in (_DARK_ROLES if is_dark else _LIGHT_ROLES).items():
        result.setColor(role, QColor(name))
    dim = QColor("#6f7783" if is_dark else "#979eaa")
    for role in (_Role.WindowText, _Role.Text, _Role.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, role, dim)
    faint = mixed(result.color(_Role.Base), result.color(_Role.Highlight), 0.55)
    result.setColor(QPalette.ColorGroup.Inactive, _Role.Highlight, faint)
    return result


def colours_of(shown: QPalette) -> Colours:
    """Return the colours that go with a palette."""
    return _colours(shown.color(_Role.Window).lightness() < 128)


@cache
def _colours(is_dark: bool) -> Colours:
    types = {family: QColor(name) for family, name in (_DARK_TYPES if is_dark else _LIGHT_TYPES).items()}
    base = QColor((_DARK_ROLES if is_dark else _LIGHT_ROLES)[_Role.Base])
    return Colours(
        types=types,
        badges={family: mixed(base, colour, 0.16 if is_dark else 0.10) for family, colour in types.items()},
        pending=QColor("#f0a040" if is_dark else "#d97706"),
        line=QColor("#33373e" if is_dark else "#dfe2e8"),
        dim=QColor("#878f9b" if is_dark else "#6b7280"),
        warning=QColor("#3b3220" if is_dark else "#fdf3dc"),
        error=QColor("#43272a" if is_dark else "#fde8e8"),
    )


def mixed(under: QColor, over: QColor, share: float) -> QColor:
    """Return a colour with a ``share`` (0 to 1) of another one over it."""

    def mix(low: int, high: int) -> int:
        return round(low + (high - low) * share)

    return QColor(mix(under.red(), over.red()), mix(under.green(), over.green()), mix(under.blue(), over.blue()))


def row_height() -> int:
    """Return the pixels of a table or tree row; a header has two more."""
    return max(_ROW_HEIGHT, QFontMetrics(QApplication.font()).height() + GAP)


def fixed_font() -> QFont:
    """Return the font of panes and values, no smaller than the other texts."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setPointSizeF(max(font.pointSizeF(), QApplication.font().pointSizeF()))
    return font
