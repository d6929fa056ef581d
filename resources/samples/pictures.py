"""Small PNG pictures, the same bytes on every machine."""

import zlib

WIDTH, HEIGHT = 48, 64

Colour = tuple[int, int, int]


def book_cover(background: Colour, band: Colour) -> bytes:
    """Return a PNG of a book's cover: a plain colour, its spine, and a band where the title would stand."""
    spine = tuple(part * 2 // 3 for part in background)
    palette = bytes([*background, *spine, *band])
    rows = b"".join(b"\x00" + bytes(_pixel(x, y) for x in range(WIDTH)) for y in range(HEIGHT))
    size = WIDTH.to_bytes(4, "big") + HEIGHT.to_bytes(4, "big")
    header = size + b"\x08\x03\x00\x00\x00"  # 8 bits a pixel, palette
    chunks = [(b"IHDR", header), (b"PLTE", palette), (b"IDAT", _stored(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _pixel(x: int, y: int) -> int:
    if x < 5:
        return 1
    return 2 if 12 <= y < 26 and 10 <= x < 43 else 0


def _stored(raw: bytes) -> bytes:
    """Return a zlib stream of one uncompressed block: builds of zlib differ in how they compress."""
    length = len(raw).to_bytes(2, "little")
    inverse = (len(raw) ^ 0xFFFF).to_bytes(2, "little")
    return b"\x78\x01\x01" + length + inverse + raw + zlib.adler32(raw).to_bytes(4, "big")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
