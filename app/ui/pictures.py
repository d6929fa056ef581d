"""Pictures made of bytes that nobody vouches for: within bounds, and away from the interface thread."""

from dataclasses import dataclass

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSize, Qt
from PySide6.QtGui import QImage, QImageReader

from app.document.pictures import picture_format
from app.errors import DecodeError, LimitExceeded

MOST_PIXELS = 40_000_000
_MEGABYTES = 256
"""What Qt may take at once for a picture."""
_LONGEST_SIDE = 2_000
"""Pixels of a side; larger pictures are shown smaller, and not kept as they are."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, and a line that says what it is."""

    image: QImage
    caption: str


def decoded(data: bytes) -> Picture:
    """Return the picture, its first frame if it has many.

    Raises:
        DecodeError: the bytes are no picture of a format that is shown, a damaged one, or Qt has no
            reader of its format here.
        LimitExceeded: it has too many pixels.
    """
    name = picture_format(data)
    if not name:
        raise DecodeError("This is no picture of a kind that is shown.")
    if name.encode() not in QImageReader.supportedImageFormats():
        raise DecodeError(f"Qt has no reader of {name.upper()} pictures on this machine, so it cannot be shown.")
    QImageReader.setAllocationLimit(_MEGABYTES)
    buffer = QBuffer()
    buffer.setData(QByteArray(data))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer, name.encode())
    reader.setAutoDetectImageFormat(False)  # else bytes that begin as one format could be given to another's reader
    try:
        return _picture(reader, name, len(data))
    finally:
        reader.setDevice(None)  # type: ignore[arg-type]  # as Qt allows: TIFF closes its file, here and not later


def _picture(reader: QImageReader, name: str, byte_count: int) -> Picture:
    size = reader.size()
    _check(size)
    if max(size.width(), size.height()) > _LONGEST_SIDE:
        reader.setScaledSize(size.scaled(_LONGEST_SIDE, _LONGEST_SIDE, Qt.AspectRatioMode.KeepAspectRatio))
    image = reader.read()
    if image.isNull():
        raise DecodeError(f"This {name.upper()} picture is damaged, so it cannot be shown.")
    return Picture(image, f"{name.upper()}, {size.width():,} by {size.height():,} pixels, {byte_count:,} bytes")


def _check(size: QSize) -> None:
    if size.isEmpty():
        raise DecodeError("This picture is damaged, so it cannot be shown.")
    if size.width() * size.height() > MOST_PIXELS:
        pixels = f"{size.width():,} by {size.height():,} pixels"
        raise LimitExceeded(f"A picture of {pixels} is too large to be shown.")
