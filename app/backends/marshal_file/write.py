"""Writing files of marshal values."""

from typing import ClassVar

from app.backends.value_file_write import ValueFileWriter


class MarshalFileWriter(ValueFileWriter):
    """Writes marshal values in a row."""

    format_id: ClassVar[str] = "marshal-file"
    file_name: ClassVar[str] = "marshal file"
    no_value: ClassVar[str] = "its value is not exactly one marshal value"
