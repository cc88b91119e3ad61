"""Where a command reads or writes a file: a path of this machine, or s3://bucket/key through the storage plug-in."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import BinaryIO
from urllib.parse import urlsplit

from crowd_hitl.bootstrap import storage_at
from crowd_hitl.cli.files import as_bytes, write_whole
from crowd_hitl.cli.frame import reason_of
from crowd_hitl.domain.errors import Unusable, bad_field
from crowd_hitl.domain.ports import Storage
from crowd_hitl.settings import Settings


def is_remote(place: str) -> bool:
    """Say whether this is an address and not a path."""
    return place.startswith("s3://")


def name_of(place: str) -> PurePosixPath:
    """Return the file's name, wherever it is."""
    return PurePosixPath(place.rpartition("/")[2] if is_remote(place) else Path(place).name)


@contextmanager
def reading(place: str, *, settings: Settings) -> Iterator[BinaryIO]:
    """Open a place for reading; an object is first brought into a temporary file, never whole into memory."""
    if is_remote(place):
        storage, key = _object(place, settings)
        with storage.open(key) as stream:
            yield stream
        return
    try:
        with Path(place).open("rb") as stream:
            yield stream
    except OSError as error:
        raise Unusable(f"{place} cannot be read: {reason_of(error)}.") from error


def writing(place: str, pieces: Iterable[str] | Iterable[bytes], *, settings: Settings) -> None:
    """Write a file or an object, whole or not at all."""
    if not is_remote(place):
        write_whole(Path(place), pieces)
        return
    storage, key = _object(place, settings)
    with TemporaryFile() as file:
        file.writelines(as_bytes(pieces))
        file.seek(0)
        storage.put(key, file)


def _object(place: str, settings: Settings) -> tuple[Storage, str]:
    parts = urlsplit(place)
    key = parts.path.removeprefix("/")
    if not parts.netloc or not key:
        raise bad_field("address", expected="s3://bucket/key", found=place)
    return storage_at(f"s3://{parts.netloc}", settings=settings), key
