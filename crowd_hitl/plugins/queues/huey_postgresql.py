"""A queue in PostgreSQL, in tables that our migrations make: nothing to run beside the database."""

import re

from huey import PostgresHuey

from crowd_hitl.domain.ports import Queue
from crowd_hitl.plugins.queues.huey_queue import HueyQueue

SCHEME = re.compile(r"^postgres(ql)?(\+\w+)?://")
# The tables are queue_task and queue_kv: store/job_rows.py.
TABLES = "queue"


class PostgresqlQueues:
    """Opens a PostgreSQL database as a queue."""

    name = "postgresql"

    def opens(self, location: str) -> bool:
        """Say whether this location is a PostgreSQL URL."""
        return SCHEME.match(location) is not None

    def open(self, location: str) -> Queue:
        """Open the queue in this database; a thread waits with LISTEN, so a job starts at once."""
        dsn = SCHEME.sub("postgresql://", location)
        return HueyQueue(self.name, PostgresHuey, dsn=dsn, table_prefix=TABLES, create_tables=False)


plugin = PostgresqlQueues()
