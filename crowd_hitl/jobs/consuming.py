"""Where jobs are run: by threads that the queue feeds, or everything that is due at once in this thread."""

import logging
from collections.abc import Mapping
from functools import partial
from threading import Event, Thread

from crowd_hitl.domain.ports import Consumption, Queue
from crowd_hitl.edge.house import House
from crowd_hitl.jobs.alone import alone
from crowd_hitl.jobs.passes import PASSES, wanted
from crowd_hitl.jobs.requested import export_rows, import_upload, plan_overlap
from crowd_hitl.jobs.running import Runner, Work
from crowd_hitl.services.jobbing import (
    can_be_queued,
    has_lapsed,
    note_handed,
    queue_passes,
    take_from_the_dead,
    waiting,
)

logger = logging.getLogger(__name__)
STOP_SECONDS = 8.0
# The kinds a job may have, and what each does.
WORKS: Mapping[str, Work] = {
    **{kind: one.work for kind, one in PASSES.items()},
    "import": import_upload,
    "export": export_rows,
    "plan": plan_overlap,
}


def run_due(house: House) -> int:
    """Run all that is due here and now, one after the other in this thread; return how many jobs were run.

    Passes that rest are not waited for. What another process runs is left to it.
    """
    runner, ran = Runner(house, WORKS), 0
    house.uow.run(take_from_the_dead)
    for kind in PASSES:
        house.uow.run(queue_passes, wanted=wanted(kind, house), resting=False)
        ran += _run_waiting(house, runner)
    return ran


def sweep(house: House, queue: Queue) -> None:
    """Find the jobs of dead processes, queue the passes that are due, hand the queue what it has not got."""
    uow = house.uow
    if uow.read(has_lapsed):
        uow.run(take_from_the_dead)
    for kind in PASSES:
        try:
            _queue_due(house, kind)
        # One pass that cannot say what is due must not keep the others from it.
        except Exception:
            logger.exception("what is due of the pass '%s' could not be read", kind)
    # A queue that is empty while jobs wait has lost them (or is just handing them over: a job is claimed only once).
    job_ids = uow.read(waiting, again=queue.size() == 0)
    if job_ids:
        uow.run(note_handed, job_ids=job_ids)
        for job_id in job_ids:
            queue.put(job_id)


class Workshop:
    """This process's part in the background work: its threads, and the sweep that keeps the queue filled."""

    def __init__(self, house: House, queue: Queue, *, threads: int, works: Mapping[str, Work] = WORKS) -> None:
        self._house, self._queue, self._threads = house, queue, threads
        self._runner = Runner(house, works, long_jobs=max(1, threads - 1))
        self._stopping = Event()
        self._sweeping = Thread(target=self._sweep, name="sweep", daemon=True)
        self._consumption: Consumption | None = None

    def start(self) -> None:
        """Start the threads."""
        self._consumption = self._queue.consume(self._runner.run, threads=self._threads)
        self._sweeping.start()

    def stop(self, *, seconds: float = STOP_SECONDS) -> None:
        """Let running jobs stop at their next step; what has not stopped by then is given back all the same."""
        self._stopping.set()
        self._runner.stop()
        if self._consumption is not None and not self._consumption.stop(seconds=seconds):
            self._runner.abandon()
        if self._sweeping.is_alive():
            self._sweeping.join(seconds)
        self._queue.close()

    def _sweep(self) -> None:
        while not self._stopping.is_set():
            try:
                # One process at a time looks: the others would only find the same.
                with alone(self._house.uow.engine) as mine:
                    if mine:
                        sweep(self._house, self._queue)
            # A database or queue that is away for a moment: the next turn tries again.
            except Exception:
                logger.exception("the sweep for background work failed; it is tried again")
            self._stopping.wait(self._house.settings.tick_seconds)


def _queue_due(house: House, kind: str) -> None:
    due = {one.key: one for one in wanted(kind, house)}
    free = house.uow.read(can_be_queued, keys=list(due)) if due else set()
    if free:
        house.uow.run(queue_passes, wanted=[due[key] for key in sorted(free)])


def _run_waiting(house: House, runner: Runner) -> int:
    ran = 0
    next_ones = partial(house.uow.read, waiting, again=True)
    while claimed := sum(runner.run(job_id) for job_id in next_ones()):
        ran += claimed
    return ran
