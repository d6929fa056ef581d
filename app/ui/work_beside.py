"""What is done beside the tabs, with other files than theirs."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.document.copies import EngineFactory
from app.ui.errands import Errands
from app.ui.notices import NoticeBar
from app.ui.tab_area import TabArea


class WorkBeside(QObject):
    """Has errands run for the window; ``notices`` are for what belongs to no tab that is open."""

    def __init__(
        self, make_engine: EngineFactory, area: TabArea, errands: Errands, notices: NoticeBar, window: QWidget
    ) -> None:
        super().__init__(window)
        self._make_engine = make_engine
        self._area = area
        self._errands = errands
        self._notices = notices
        self._window = window
