"""A queue in Redis (or Valkey), for those who run one anyway. Needs the extra: pip install crowd-hitl[redis]."""

from importlib.util import find_spec

from huey import RedisHuey

from crowd_hitl.domain.errors import Unusable
from crowd_hitl.domain.ports import Queue
from crowd_hitl.plugins.queues.huey_queue import HueyQueue


class RedisQueues:
    """Opens a Redis database as a queue."""

    name = "redis"

    def opens(self, location: str) -> bool:
        """Say whether this location is a Redis URL."""
        return location.startswith(("redis://", "rediss://", "unix://"))

    def open(self, location: str) -> Queue:
        """Open the queue at this URL; Unusable without the client library."""
        if find_spec("redis") is None:
            raise Unusable("CROWD_HITL_QUEUE_URL names Redis, and its client is missing: pip install crowd-hitl[redis]")
        return HueyQueue(self.name, RedisHuey, url=location)


plugin = RedisQueues()
