"""Proves that a file is an image which every browser can show."""

import struct
import zlib
from io import BytesIO

from PIL import Image

# Only these are shown by every browser; Pillow's rarer readers are not let near a stranger's file.
SUFFIXES = {"PNG": "png", "JPEG": "jpg", "GIF": "gif", "WEBP": "webp"}
# What Pillow raises on broken files, besides its own errors (which are OSErrors); its warnings where they are errors.
BROKEN = (OSError, SyntaxError, ValueError, EOFError, LookupError, ArithmeticError, TypeError, RuntimeError)
BROKEN_DEEP = (struct.error, zlib.error, MemoryError, Image.DecompressionBombError, Warning)


class BadMedia(Exception):
    """Why a file is not taken in: what was expected and what was found."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(found)
        self.expected, self.found = expected, found


def image_suffix(content: bytes, *, largest_pixels: int) -> str:
    """Decode the image to prove that it can be shown, and return its suffix; BadMedia if it is none or is too large."""
    expected = "a PNG, JPEG, GIF or WebP image"
    try:
        with Image.open(BytesIO(content), formats=tuple(SUFFIXES)) as image:
            width, height = image.size
            if width * height > largest_pixels:
                raise BadMedia(f"an image of at most {largest_pixels:,} pixels", f"{width:,} × {height:,}")
            # verify() would let a file pass that is cut short.
            image.load()
            return SUFFIXES[str(image.format)]
    except (*BROKEN, *BROKEN_DEEP) as error:
        found = "an empty file" if not content else f"a file that cannot be read as one ({type(error).__name__})"
        raise BadMedia(expected, found) from error
