"""The roof: the only place that joins settings, store and plug-ins into one house."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from crowd_hitl.domain.errors import BadInput, Unusable, bad_field
from crowd_hitl.domain.ports import Plugins, Queue, Storage
from crowd_hitl.plugins.finding import find
from crowd_hitl.settings import Settings
from crowd_hitl.store.engine import open_engine
from crowd_hitl.store.migrating import current_revision, newest_revision, upgrade
from crowd_hitl.store.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class House:
    """Everything that was joined: handed to the web app, the jobs and the commands."""

    settings: Settings
    uow: UnitOfWork
    storage: Storage
    plugins: Plugins
    fetch: Callable[[str], bytes]

    def bucket(self, address: str) -> tuple[Storage, str]:
        """Open the bucket of an s3:// address, and name the key in it; BadInput for one that may not be read."""
        return bucket_at(address, settings=self.settings)


class LinkingStorage:
    """A storage that also opens what was linked and not copied: keys that are s3:// addresses."""

    def __init__(self, storage: Storage, settings: Settings) -> None:
        self.name = storage.name
        self._storage, self._settings = storage, settings

    def put(self, key: str, content: BinaryIO) -> str:
        """Store the bytes; nothing is ever written to where something was linked."""
        return self._storage.put(key, content)

    def open(self, key: str) -> BinaryIO:
        """Open what is stored or linked; NotFound if there is nothing."""
        storage, name = self._found(key)
        return storage.open(name)

    def exists(self, key: str) -> bool:
        """Say whether the key holds something."""
        storage, name = self._found(key)
        return storage.exists(name)

    def _found(self, key: str) -> tuple[Storage, str]:
        return bucket_at(key, settings=self._settings) if key.startswith("s3://") else (self._storage, key)


def build_house(settings: Settings | None = None) -> House:
    """Open the store, bring an embedded one up to date, find the plug-ins.

    Unusable when a PostgreSQL database needs `crowd-hitl db upgrade`: a shared one is never changed unasked.
    """
    settings = settings or Settings()
    engine = open_engine(settings.url(), pool_size=settings.pool_size)
    if settings.database_url is None:
        upgrade(engine)
    elif current_revision(engine) != newest_revision():
        raise Unusable("The database is not at this version's revision. Run: crowd-hitl db upgrade")
    return House(
        settings=settings,
        uow=UnitOfWork(engine),
        storage=LinkingStorage(open_storage(settings), settings),
        plugins=find_plugins(),
        fetch=cast(Callable[[str], bytes], find("fetching")["http"]),
    )


def find_plugins() -> Plugins:
    """Find every plug-in: those in plugins/ and those other packages bring by entry point."""
    groups = (
        "questions",
        "aggregators",
        "fusers",
        "policies",
        "strategies",
        "learners",
        "certifiers",
        "formats",
        "label_formats",
    )
    return Plugins(**cast(dict[str, Any], {group: find(group) for group in groups}))


def open_storage(settings: Settings) -> Storage:
    """Open where media and models live: a folder, or s3://bucket/prefix."""
    return storage_at(settings.storage_location(), settings=settings)


def bucket_at(address: str, *, settings: Settings) -> tuple[Storage, str]:
    """Open the bucket of an s3:// address, and name the key in it; BadInput for a bucket the settings do not name.

    This server reads with its own credentials: not everything that it could read is a requester's to see.
    """
    parts = urlsplit(address)
    key = parts.path.removeprefix("/")
    if not parts.netloc or not key:
        raise bad_field("address", expected="s3://bucket/key", found=address[:80])
    named = [name.strip() for name in settings.media_buckets.split(",")]
    own = urlsplit(settings.storage_location())
    if parts.netloc not in named and (own.scheme, own.netloc) != ("s3", parts.netloc):
        raise BadInput(f"The bucket {parts.netloc} is not named in CROWD_HITL_MEDIA_BUCKETS.")
    return storage_at(f"s3://{parts.netloc}", settings=settings), key


def open_queue(settings: Settings) -> Queue:
    """Open what carries jobs to the processes that run them; BadInput when no plug-in opens it."""
    location = settings.queue_location()
    for plugin in cast(dict[str, Any], find("queues")).values():
        if plugin.opens(location):
            return cast(Queue, plugin.open(location))
    raise BadInput("CROWD_HITL_QUEUE_URL: expected redis://… or postgresql://…, or nothing for the database itself.")


def storage_at(location: str, *, settings: Settings) -> Storage:
    """Open one storage, with the settings' S3 server; BadInput when no plug-in opens it."""
    name = "s3" if location.startswith("s3://") else "folder"
    storages = cast(dict[str, Any], find("storages"))
    if name not in storages:
        raise BadInput(f"There is no storage plug-in for {location}.")
    options = {"endpoint_url": settings.storage_endpoint_url} if name == "s3" else {}
    return cast(Storage, storages[name].open(location, **options))
