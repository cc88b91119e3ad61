"""The roof: the only place that joins settings, store and plug-ins into one house."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from crowd_hitl.domain.errors import BadInput, Unusable
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
        storage=open_storage(settings),
        plugins=find_plugins(),
        fetch=cast(Callable[[str], bytes], find("fetching")["http"]),
    )


def find_plugins() -> Plugins:
    """Find every plug-in: those in plugins/ and those other packages bring by entry point."""
    groups = (
        "questions",
        "aggregators",
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
