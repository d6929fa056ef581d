"""Actions on what is selected in a view of the tab in front: the entry table, or the value tree."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from app.ui.actions import Actions
from app.ui.database_tab import DatabaseTab
from app.ui.menus import actions_of
from app.ui.tab_area import TabArea


@dataclass(frozen=True, slots=True)
class Offer:
    """What a view of a tab offers.

    ``commands``: what each action does. ``reasons`` returns for each action why it cannot be done now, an empty text
    where it can. ``menu``: the actions' names as the view's own menu has them, None for a line between.
    """

    commands: Mapping[str, Callable[[DatabaseTab], object]]
    reasons: Callable[[DatabaseTab | None], Mapping[str, str]]
    menu: Sequence[str | None]
    view: Callable[[DatabaseTab], QWidget]


class TabActions(QObject):
    """Connects the window's actions with the tab in front, and keeps them enabled only where they make sense."""

    def __init__(self, area: TabArea, actions: Actions, offer: Offer, window: QWidget) -> None:
        super().__init__(window)
        self._area = area
        self._actions = actions
        self._offer = offer
        for name, act in offer.commands.items():
            actions.connect(name, partial(self._on_triggered, act))
        area.added.connect(self._on_added)
        area.changed.connect(self.refresh)
        area.node_changed.connect(self.refresh)
        self.refresh()

    @Slot(object)
    def _on_added(self, tab: DatabaseTab) -> None:
        self._offer.view(tab).addActions(actions_of(self._offer.menu, self._actions, tab))

    def _on_triggered(self, act: Callable[[DatabaseTab], object], *_: object) -> None:
        tab = self._area.current
        if tab is not None and tab.can_browse:
            act(tab)

    @Slot()
    def refresh(self) -> None:
        """Enable what can be done with the rows that are selected."""
        tab = self._area.current
        self._actions.enable(self._offer.reasons(tab if tab is not None and tab.can_browse else None))
