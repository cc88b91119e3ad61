"""A folder of this machine as a storage: what is there is whole, even after a power cut."""

import os
import shutil
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

from crowd_hitl.domain.errors import NotFound, Unusable
from crowd_hitl.domain.ports import Storage
from crowd_hitl.plugins.storages.keys import checked


class FolderStorage:
    """Keeps every key as one file below a root folder."""

    name = "folder"

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, key: str, content: BinaryIO) -> str:
        """Write beside the place, then rename: a reader sees the old or the new, never a half."""
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=path.parent, prefix=".part-", delete=False) as part:
                try:
                    shutil.copyfileobj(content, part)
                    part.flush()
                    os.fsync(part.fileno())
                    os.replace(part.name, path)
                except BaseException:
                    Path(part.name).unlink(missing_ok=True)
                    raise
            _sync_folder(path.parent)
        except OSError as error:
            raise Unusable(f"{key} could not be written to the storage: {error.strerror or error}.") from error
        return key

    def open(self, key: str) -> BinaryIO:
        """Open the file; NotFound if there is none."""
        try:
            return self._path(key).open("rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise NotFound(f"The storage holds nothing under {key}.") from error

    def exists(self, key: str) -> bool:
        """Say whether there is a file under the key."""
        return self._path(key).is_file()

    def _path(self, key: str) -> Path:
        return self.root / checked(key)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class FolderStorages:
    """Opens a folder as a storage."""

    name = "folder"

    def opens(self, location: str) -> bool:
        """Say whether this location is a path."""
        return "://" not in location

    def open(self, location: str) -> Storage:
        """Open the storage at this path; the folder is made when something is first put there."""
        return FolderStorage(Path(location))


plugin = FolderStorages()
