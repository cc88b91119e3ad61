"""What Huey's storages have in common: one task that takes a job's id, and its worker threads."""

import json
from collections.abc import Callable
from functools import cached_property
from threading import Lock
from time import monotonic
from typing import Any

from huey.registry import Message

NAME = "jobs"
TASK = "run"
# A thread that finds nothing looks again after these (seconds); where the storage can wait, it waits a second at most.
FIRST_DELAY, LONGEST_DELAY = 0.05, 0.5


class JsonMessages:
    """Writes Huey's messages as JSON: its own way is pickle, which runs whatever a message says."""

    def serialize(self, message: Message) -> bytes:
        """Write the task's id, name and arguments: ours use nothing else."""
        return json.dumps([message.id, message.name, list(message.args)]).encode()

    def deserialize(self, data: bytes | memoryview) -> Message:
        """Read a message back."""
        task_id, name, arguments = json.loads(bytes(data))
        return Message(id=task_id, name=name, retries=0, retry_delay=0, args=tuple(arguments), kwargs={})


class HueyQueue:
    """A queue over one of Huey's storages; it is opened when it is first used."""

    def __init__(self, name: str, make: Callable[..., Any], /, **options: Any) -> None:
        self.name = name
        self._make = make
        # Results, retries and schedules are not Huey's business here: the job rows keep them.
        self._options = {"name": NAME, "results": False, "serializer": JsonMessages(), **options}
        self._run: Callable[[int], object] | None = None
        self._closing = Lock()

    def put(self, job_id: int) -> None:
        """Queue the id."""
        _, task = self._opened
        task(job_id)

    def consume(self, run: Callable[[int], object], *, threads: int) -> "HueyConsumption":
        """Start Huey's worker threads; not its scheduler and not its signal handlers, which are the process's own."""
        huey, _ = self._opened
        self._run = run
        consumer = huey.create_consumer(
            workers=threads, worker_type="thread", periodic=False, initial_delay=FIRST_DELAY, max_delay=LONGEST_DELAY
        )
        return HueyConsumption(consumer)

    def size(self) -> int:
        """Count the ids that wait."""
        huey, _ = self._opened
        return int(huey.storage.queue_size())

    def purge(self) -> None:
        """Throw away the ids that wait."""
        huey, _ = self._opened
        huey.storage.flush_queue()

    def close(self) -> None:
        """Close its connections; they are opened again when it is used again."""
        huey, _ = self._opened
        # Huey looks whether it is open before it takes its own lock: two that close at once would close it twice
        with self._closing:
            huey.storage.close()

    @cached_property
    def _opened(self) -> tuple[Any, Callable[[int], object]]:
        huey = self._make(**self._options)
        # A thread that ends closes its connections; what the others need of them is opened again.
        huey.on_shutdown("close")(self.close)
        return huey, huey.task(name=TASK)(self._call)

    def _call(self, job_id: int) -> None:
        if self._run is not None:
            self._run(job_id)


class HueyConsumption:
    """Huey's worker threads, running."""

    def __init__(self, consumer: Any) -> None:
        self._stop_flag = consumer.stop_flag
        self._threads = [thread for _, thread in consumer.worker_threads]
        for thread in self._threads:
            thread.start()

    def stop(self, *, seconds: float) -> bool:
        """Take no further job and wait for those that run; False if they are not done after so many seconds."""
        self._stop_flag.set()
        until = monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - monotonic()))
        return not any(thread.is_alive() for thread in self._threads)
