"""What is done at every tick: lapsed leases, due agreement, running loops, budget alerts, the outbox."""

from collections.abc import Callable, Mapping
from functools import partial

from crowd_hitl.domain.ports import Plugins, Storage
from crowd_hitl.jobs.logged import run_logged
from crowd_hitl.services.agreeing import agree, due_batches
from crowd_hitl.services.alerting import raise_alerts
from crowd_hitl.services.assigning import expire
from crowd_hitl.services.compensating import return_lines
from crowd_hitl.services.delivering import Handler, drain
from crowd_hitl.services.ending_sittings import end_idle_sittings
from crowd_hitl.services.looping import advance, running_loops
from crowd_hitl.services.publishing import close_overdue
from crowd_hitl.store.unit_of_work import UnitOfWork

EXPIRE_AT_ONCE = 1000
# A loop that goes on without people takes its further steps at the next tick: the other work has its turn.
STEPS_AT_ONCE = 5
Pass = Callable[[], None]


def make_passes(
    uow: UnitOfWork, *, plugins: Plugins, storage: Storage, handlers: Mapping[str, Handler]
) -> dict[str, Pass]:
    """Return the passes by name, in the order they run: what one lays open, the next one finds."""
    return {
        "expire": lambda: expire_all(uow),
        "agree": lambda: agree_all(uow, plugins=plugins),
        "loop": lambda: advance_all(uow, plugins=plugins, storage=storage),
        "alert": lambda: alert_all(uow),
        "deliver": lambda: deliver_all(uow, handlers=handlers),
    }


def expire_all(uow: UnitOfWork) -> None:
    """Reopen the places of all lapsed leases, end idle hours, close overdue batches, return unused compensation."""
    while uow.run(expire, limit=EXPIRE_AT_ONCE) == EXPIRE_AT_ONCE:
        pass  # there may be more
    uow.run(end_idle_sittings)
    uow.run(close_overdue)
    uow.run(return_lines)


def agree_all(uow: UnitOfWork, *, plugins: Plugins) -> None:
    """Weigh the answers of every batch that has new ones."""
    for batch_id in uow.read(due_batches):
        # One by one: a batch whose aggregator fails must not keep the others waiting.
        run_logged(f"agree on batch {batch_id}", partial(agree, uow, batch_id=batch_id, plugins=plugins))


def advance_all(uow: UnitOfWork, *, plugins: Plugins, storage: Storage) -> None:
    """Take the next steps of every running loop until it waits for people."""
    for loop_id in uow.read(running_loops):
        run_logged(f"advance loop {loop_id}", partial(advance_one, uow, loop_id, plugins=plugins, storage=storage))


def advance_one(uow: UnitOfWork, loop_id: int, *, plugins: Plugins, storage: Storage) -> None:
    """Take a few steps of one loop."""
    for _ in range(STEPS_AT_ONCE):
        step = advance(uow, loop_id=loop_id, plugins=plugins, storage=storage)
        if step.waiting or step.stopped:
            return


def alert_all(uow: UnitOfWork) -> None:
    """Note which budgets passed a level of their money."""
    uow.run(raise_alerts)


def deliver_all(uow: UnitOfWork, *, handlers: Mapping[str, Handler]) -> None:
    """Send what the outbox holds."""
    drain(uow, handlers=handlers)
