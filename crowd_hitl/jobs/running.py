"""Runs one job that this process claimed: renews its lease meanwhile, and writes down how it ended."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from secrets import token_hex
from threading import BoundedSemaphore, Event, Lock, Thread
from typing import Any

from crowd_hitl.domain.errors import BadInput, NotFound
from crowd_hitl.edge.house import House
from crowd_hitl.services.jobbing import (
    Claimed,
    Hold,
    Progress,
    claim_job,
    fail_job,
    finish_job,
    give_back,
    leave_job,
    note_progress,
    renew_lease,
)

logger = logging.getLogger(__name__)
# Beats in one lease: two may be lost before the job is taken for dead.
BEATS = 3


class LetGo(Exception):
    """The job is to stop here: the process is ending, or the job was cancelled or given to another."""


@dataclass(frozen=True)
class Run:
    """One run of a job, as its work sees it."""

    job: Claimed
    note: Callable[[Progress], bool]
    stopping: Event

    def step(self, done: int, *, total: int | None = None, result: Mapping[str, Any] | None = None) -> None:
        """Note what is done and committed; LetGo when no more is to be done in this run."""
        if not self.note(Progress(done_count=done, total_count=total, result=result)) or self.stopping.is_set():
            raise LetGo


Work = Callable[[House, Run], None]


class Runner:
    """Runs jobs of the kinds it knows, each alone in whichever thread asks."""

    def __init__(self, house: House, works: Mapping[str, Work], *, long_jobs: int = 1) -> None:
        self._house, self._works = house, works
        # What requesters start may take an hour; it must not keep every thread from the passes.
        self._for_long_jobs = BoundedSemaphore(long_jobs)
        self._stopping = Event()
        self._held: set[str] = set()
        self._lock = Lock()

    def run(self, job_id: int) -> bool:
        """Run the job if it is due and nobody else's; say whether it was."""
        if self._stopping.is_set():
            return False  # its row stays queued, and another process is given it
        hold = Hold(token_hex(8), self._house.settings.job_lease_seconds)
        may_be_long = self._for_long_jobs.acquire(blocking=False)
        try:
            job = self._house.uow.run(claim_job, job_id=job_id, hold=hold, passes_only=not may_be_long)
            if may_be_long and (job is None or job.is_pass):
                self._for_long_jobs.release()
                may_be_long = False
            if job is None:
                # Perhaps there is only no room for it: then it is to be handed out again.
                self._house.uow.run(leave_job, job_id=job_id)
                return False
            with self._holding(hold):
                self._work(job, hold.holder)
            return True
        finally:
            if may_be_long:
                self._for_long_jobs.release()

    def stop(self) -> None:
        """Have the running jobs stop at their next step, and start no other."""
        self._stopping.set()

    def abandon(self) -> None:
        """Give back what is held: the process ends and cannot wait. What still runs changes nothing any more."""
        with self._lock:
            held = sorted(self._held)
        for holder in held:
            self._house.uow.run(give_back, holder=holder)

    def _work(self, job: Claimed, holder: str) -> None:
        uow = self._house.uow
        try:
            work = self._works.get(job.kind)
            if work is None:
                raise NotFound(f"No job of the kind '{job.kind}' is known here.")
            work(self._house, Run(job, partial(self._note, holder), self._stopping))
        except LetGo:
            uow.run(give_back, holder=holder)
        # Anything may go wrong in a plug-in; the job says so and is tried again, and the others go on.
        except Exception as error:
            # What a requester sent and cannot be read stays unreadable; a pass is always worth another try.
            final = not job.is_pass and isinstance(error, BadInput | NotFound)
            if not final:
                logger.exception("job %s (%s) failed", job.id, job.key)
            message = str(error) if final else f"{type(error).__name__}: {error}"
            uow.run(fail_job, holder=holder, error=message, final=final)
        except BaseException:
            uow.run(give_back, holder=holder)
            raise
        else:
            uow.run(finish_job, holder=holder)

    def _note(self, holder: str, progress: Progress) -> bool:
        return self._house.uow.run(note_progress, holder=holder, progress=progress)

    @contextmanager
    def _holding(self, hold: Hold) -> Iterator[None]:
        """Renew the lease from a thread of its own: a pass may compute for minutes without a step."""
        ended = Event()
        beating = Thread(target=self._beat, args=(hold, ended), name=f"lease {hold.holder}", daemon=True)
        with self._lock:
            self._held.add(hold.holder)
        beating.start()
        try:
            yield
        finally:
            ended.set()
            beating.join()
            with self._lock:
                self._held.discard(hold.holder)

    def _beat(self, hold: Hold, ended: Event) -> None:
        while not ended.wait(hold.lease_seconds / BEATS):
            try:
                if not self._house.uow.run(renew_lease, hold=hold):
                    return
            # A database that is away for a moment: the next beat tries again.
            except Exception:
                logger.exception("the lease of a running job could not be renewed")
