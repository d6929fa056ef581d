"""A file that is one marshal value, or several in a row; a ``.pyc`` file is one, its header included."""

from typing import ClassVar

from app.backends.binary import MappedFile
from app.backends.marshal_file.write import MarshalFileWriter
from app.backends.value_file import Content, ValueFileBackend
from app.cancel import CancelToken


class MarshalFileBackend(ValueFileBackend):
    """Entries are the successive marshal values."""

    format_id: ClassVar[str] = "marshal-file"
    value_name: ClassVar[str] = "marshal value"
    writer_class = MarshalFileWriter

    def open_content(self, token: CancelToken) -> Content:
        return MappedFile(self._path)

    def writer(self) -> MarshalFileWriter:
        return MarshalFileWriter(MarshalFileBackend, self._value_end)
