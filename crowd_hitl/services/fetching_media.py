"""Taking in one image or recording: from a folder, an address or a bucket; proven to be one, kept under its hash.

Or linked: an object of a bucket that the operator has named is left where it is, and served from there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from crowd_hitl.domain.errors import BadInput, NotFound, Unusable
from crowd_hitl.domain.media import SUFFIXES, media_type
from crowd_hitl.domain.ports import Storage
from crowd_hitl.services.imaging import BadMedia, image_suffix

Fetch = Callable[[str], bytes]
# Opens the bucket of an s3:// address as a storage, and names the key in it; BadInput for one that may not be read.
Bucket = Callable[[str], tuple[Storage, str]]
LINKED = "s3://"
LONGEST_LINK = 255


@dataclass(frozen=True)
class MediaIntake:
    """Where an import's images and recordings come from and go to, and how large they may be.

    `folder` is the folder of the imported file (None: there are no files to read, only addresses); `fetch` gets the
    bytes at an address or raises Unusable, `bucket` opens an s3:// address (None: no such addresses). With `link`,
    what lies in a bucket stays there.
    """

    storage: Storage
    fetch: Fetch | None = None
    bucket: Bucket | None = None
    folder: Path | None = None
    link: bool = False
    largest_bytes: int = 20_000_000
    largest_pixels: int = 50_000_000

    def take(self, reference: str, *, kind: str = "image") -> str:
        """Store an image or `audio` and return its key; BadMedia if it cannot be had or is none."""
        if self.link:
            return self._linked(reference)
        content = self._content(reference)
        if len(content) > self.largest_bytes:
            raise BadMedia(f"a file of at most {self.largest_bytes:,} bytes", "more")
        suffix = self._suffix(content, kind=kind)
        digest = sha256(content).hexdigest()
        key = f"media/{digest[:2]}/{digest}.{suffix}"
        # The key is the content: what is there is the same.
        return key if self.storage.exists(key) else self.storage.put(key, BytesIO(content))

    def _linked(self, reference: str) -> str:
        if not reference.startswith(LINKED):
            raise BadMedia("an s3://bucket/key address, as media are linked and not copied", f"'{reference[:80]}'")
        if len(reference) > LONGEST_LINK:
            raise BadMedia(f"an address of at most {LONGEST_LINK} characters", f"{len(reference)} characters")
        storage, key = self._object(reference)
        try:
            there = storage.exists(key)
        except Unusable as error:
            raise BadMedia("an object that can be read", str(error)) from error
        if not there:
            raise BadMedia("an object that is there", f"'{reference[:80]}', which is not")
        return reference

    def _content(self, reference: str) -> bytes:
        if reference.startswith(LINKED):
            storage, key = self._object(reference)
            try:
                with storage.open(key) as stream:
                    return self._some(stream)
            except (NotFound, Unusable) as error:
                raise BadMedia("an object that can be read", str(error)) from error
        return self._fetched(reference) if "://" in reference else self._read(reference)

    def _object(self, reference: str) -> tuple[Storage, str]:
        if self.bucket is None:
            raise BadMedia("a file or a web address", f"'{reference[:80]}'")
        try:
            return self.bucket(reference)
        except BadInput as error:
            raise BadMedia("an s3://bucket/key address of a bucket that may be read", str(error)) from error

    def _fetched(self, address: str) -> bytes:
        expected = "an http or https address"
        if self.fetch is None or not address.lower().startswith(("http://", "https://")):
            raise BadMedia(expected, f"'{address[:80]}'")
        try:
            return self.fetch(address)
        except Unusable as error:
            raise BadMedia(expected, str(error)) from error

    def _read(self, reference: str) -> bytes:
        if self.folder is None:
            raise BadMedia("an http or https address, as there is no folder to read from", f"'{reference[:80]}'")
        path = _inside(self.folder, reference)
        try:
            with path.open("rb") as file:
                return self._some(file)
        except OSError as error:
            raise BadMedia("a file that can be read", f"'{reference[:80]}': {error.strerror}") from error

    def _some(self, stream: BinaryIO) -> bytes:
        return stream.read(self.largest_bytes + 1)

    def _suffix(self, content: bytes, *, kind: str) -> str:
        if kind == "image":
            return image_suffix(content, largest_pixels=self.largest_pixels)
        found = media_type(content)
        if found is None or not found.startswith("audio/"):
            shown = "an empty file" if not content else "a file that does not start like one"
            raise BadMedia("a WAV, MP3, OGG, FLAC, M4A or WebM recording", shown)
        return SUFFIXES[found]


def _inside(folder: Path, reference: str) -> Path:
    """Resolve a path below the folder, links and all; BadMedia if it leads out or to no file."""
    shown = f"'{reference[:80]}'"
    try:
        path = (folder / reference).resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise BadMedia("a file beside the imported one", f"{shown}, which is not there") from error
    if not path.is_relative_to(folder.resolve()):
        raise BadMedia("a file below the imported file's folder", f"{shown}, which leads out of it")
    if not path.is_file():
        raise BadMedia("a file", f"{shown}, which is none")
    return path
