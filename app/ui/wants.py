"""What a tab asks the window to do for it, by a button beside what it says."""

import os
from collections.abc import Callable
from enum import Enum
from functools import partial
from pathlib import Path

from app.document.document import Document
from app.errors import AppError
from app.ui.choices import Choice
from app.ui.dialogs.places import can_be_read
from app.ui.views.message_page import MessagePage


class Want(Enum):
    """The value is what the button says."""

    CREATE = "Create it…"
    SAVE_AS = "Save as…"
    SALVAGE = "Salvage…"
    SAVE_KEPT = "Save them as…"
    PROBLEMS = "Problems"


def choices(wants: tuple[Want, ...], ask: Callable[[Want], object]) -> tuple[Choice, ...]:
    """Return a button for each want; ``ask`` is called with it."""
    return tuple(Choice(want.value, partial(ask, want)) for want in wants)


def show_refusal(page: MessagePage, document: Document, error: AppError, ask: Callable[[Want], object]) -> None:
    """Let a page say why a database cannot be opened, and offer what can be done about it."""
    is_there = os.path.lexists(document.path)
    title = f"{document.name} cannot be opened" if is_there else f"{document.name} does not exist"
    page.show_message(title, error.message, *choices(_ways_out(document.path, is_there=is_there), ask))


def _ways_out(path: Path, *, is_there: bool) -> tuple[Want, ...]:
    if not is_there:
        return (Want.CREATE,)
    return (Want.SALVAGE,) if can_be_read(path) else ()
