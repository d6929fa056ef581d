"""A file that is one plain pickle, or several in a row, compressed or not."""

from typing import ClassVar

from app.backends.pickle_file.unpacked import UnpackedFile, open_values
from app.backends.pickle_file.write import PickleFileWriter
from app.backends.value_file import Content, ValueFileBackend
from app.cancel import CancelToken


class PickleFileBackend(ValueFileBackend):
    """Entries are the successive pickles.

    What is compressed is unpacked when it is listed; offsets are those in what came out, and a save packs it again.
    """

    format_id: ClassVar[str] = "pickle-file"
    value_name: ClassVar[str] = "pickle"
    writer_class = PickleFileWriter

    def open_content(self, token: CancelToken) -> Content:
        content = open_values(self._path, self._value_end, token, self.report)
        if isinstance(content, UnpackedFile) and content.streams > 1:
            self.notes.append(f"It consists of {content.streams:,} compressed streams; a save makes one of them.")
        return content

    def writer(self) -> PickleFileWriter:
        content = self._content
        if not isinstance(content, UnpackedFile):
            return PickleFileWriter(PickleFileBackend, self._value_end)
        packing = content.packing(CancelToken())
        return PickleFileWriter(PickleFileBackend, self._value_end, packing=packing, padding=content.padding)
