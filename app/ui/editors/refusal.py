"""How a field looks whose text was not taken."""

from PySide6.QtGui import QPalette

from app.ui.theme import Family, colours_of


def refused_palette(shown: QPalette) -> QPalette:
    """Return a palette with the text, ground and frame of what is wrong."""
    colours = colours_of(shown)
    wrong = colours.types[Family.DAMAGED]
    result = QPalette(shown)
    result.setColor(QPalette.ColorRole.Text, wrong)
    result.setColor(QPalette.ColorRole.Base, colours.error)
    result.setColor(QPalette.ColorRole.Accent, wrong)
    result.setColor(QPalette.ColorRole.Highlight, wrong)
    result.setColor(QPalette.ColorRole.HighlightedText, colours.error)
    return result
