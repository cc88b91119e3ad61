"""A queue in a SQLite file beside the embedded database: no server to run."""

from pathlib import Path

from huey import SqliteHuey

from crowd_hitl.domain.ports import Queue
from crowd_hitl.plugins.queues.huey_queue import HueyQueue


class SqliteQueues:
    """Opens a file as a queue."""

    name = "sqlite"

    def opens(self, location: str) -> bool:
        """Say whether this location is a path."""
        return "://" not in location

    def open(self, location: str) -> Queue:
        """Open the queue in this file. A power cut may empty it (no fsync): the job rows know what was in it."""
        return HueyQueue(self.name, SqliteHuey, filename=str(Path(location)), fsync=False)


plugin = SqliteQueues()
