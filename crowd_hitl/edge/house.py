"""What the edge needs of the house that bootstrap builds: a shape, so that nothing here imports the roof."""

from collections.abc import Callable
from typing import Protocol

from flask import current_app

from crowd_hitl.domain.ports import Plugins, Storage
from crowd_hitl.settings import Settings
from crowd_hitl.store.unit_of_work import UnitOfWork

EXTENSION = "crowd_hitl"


class House(Protocol):
    """Settings, the unit of work, the storage, the plug-ins and the fetcher of images."""

    @property
    def settings(self) -> Settings:
        """Return the settings."""

    @property
    def uow(self) -> UnitOfWork:
        """Return the unit of work."""

    @property
    def storage(self) -> Storage:
        """Return where media lies."""

    @property
    def plugins(self) -> Plugins:
        """Return the plug-ins."""

    def bucket(self, address: str) -> tuple[Storage, str]:
        """Open the bucket of an s3:// address, and name the key in it; BadInput for one that may not be read."""

    @property
    def fetch(self) -> Callable[[str], bytes]:
        """Return what reads an image from its URL."""


def current_house() -> House:
    """Return the house that the running application was built for."""
    house: House = current_app.extensions[EXTENSION]
    return house
