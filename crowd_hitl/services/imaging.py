"""Taking in one image: read from a folder or an address, proven to be an image, kept under its content's hash."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from PIL import Image

from crowd_hitl.domain.errors import Unusable
from crowd_hitl.domain.ports import Storage

Fetch = Callable[[str], bytes]

# Only these are shown by every browser; Pillow's rarer readers are not let near a stranger's file.
SUFFIXES = {"PNG": "png", "JPEG": "jpg", "GIF": "gif", "WEBP": "webp"}
# What Pillow raises on broken files, besides its own errors (which are OSErrors); its warnings where they are errors.
BROKEN = (OSError, SyntaxError, ValueError, EOFError, LookupError, ArithmeticError, TypeError, RuntimeError)
BROKEN_DEEP = (struct.error, zlib.error, MemoryError, Image.DecompressionBombError, Warning)


class BadImage(Exception):
    """Why an image is not taken in: what was expected and what was found."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(found)
        self.expected, self.found = expected, found


@dataclass(frozen=True)
class ImageIntake:
    """Where an import's images come from and go to, and how large they may be.

    `folder` is the folder of the imported file (None: there are no files to read, only addresses); `fetch` gets the
    bytes at an address or raises Unusable (None: no addresses).
    """

    storage: Storage
    fetch: Fetch | None = None
    folder: Path | None = None
    largest_bytes: int = 20_000_000
    largest_pixels: int = 50_000_000

    def take(self, reference: str) -> str:
        """Store the image and return its key; BadImage if it cannot be had or is none."""
        content = self._fetched(reference) if "://" in reference else self._read(reference)
        suffix = image_suffix(content, largest_pixels=self.largest_pixels)
        digest = sha256(content).hexdigest()
        key = f"media/{digest[:2]}/{digest}.{suffix}"
        # The key is the content: what is there is the same.
        return key if self.storage.exists(key) else self.storage.put(key, BytesIO(content))

    def _fetched(self, address: str) -> bytes:
        expected = "an http or https address of an image"
        if self.fetch is None or not address.lower().startswith(("http://", "https://")):
            raise BadImage(expected, f"'{address[:80]}'")
        try:
            content = self.fetch(address)
        except Unusable as error:
            raise BadImage(expected, str(error)) from error
        if len(content) > self.largest_bytes:
            raise BadImage(self._size_limit, "more")
        return content

    def _read(self, reference: str) -> bytes:
        if self.folder is None:
            raise BadImage("an http or https address, as there is no folder to read from", f"'{reference[:80]}'")
        path = _inside(self.folder, reference)
        try:
            with path.open("rb") as file:
                content = file.read(self.largest_bytes + 1)
        except OSError as error:
            raise BadImage("a file that can be read", f"'{reference[:80]}': {error.strerror}") from error
        if len(content) > self.largest_bytes:
            raise BadImage(self._size_limit, "more")
        return content

    @property
    def _size_limit(self) -> str:
        return f"an image of at most {self.largest_bytes:,} bytes"


def image_suffix(content: bytes, *, largest_pixels: int) -> str:
    """Decode the image to prove that it can be shown, and return its suffix; BadImage if it is none or is too large."""
    expected = "a PNG, JPEG, GIF or WebP image"
    try:
        with Image.open(BytesIO(content), formats=tuple(SUFFIXES)) as image:
            width, height = image.size
            if width * height > largest_pixels:
                raise BadImage(f"an image of at most {largest_pixels:,} pixels", f"{width:,} × {height:,}")
            # verify() would let a file pass that is cut short.
            image.load()
            return SUFFIXES[str(image.format)]
    except (*BROKEN, *BROKEN_DEEP) as error:
        found = "an empty file" if not content else f"a file that cannot be read as one ({type(error).__name__})"
        raise BadImage(expected, found) from error


def _inside(folder: Path, reference: str) -> Path:
    """Resolve a path below the folder, links and all; BadImage if it leads out or to no file."""
    shown = f"'{reference[:80]}'"
    try:
        path = (folder / reference).resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise BadImage("a file beside the imported one", f"{shown}, which is not there") from error
    if not path.is_relative_to(folder.resolve()):
        raise BadImage("a file below the imported file's folder", f"{shown}, which leads out of it")
    if not path.is_file():
        raise BadImage("a file", f"{shown}, which is none")
    return path
