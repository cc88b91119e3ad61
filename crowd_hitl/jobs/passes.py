"""The passes: work that nobody asks for by name. For each kind: for what it is due, and what it does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from crowd_hitl.edge.house import House
from crowd_hitl.jobs.running import Run, Work
from crowd_hitl.services.agreeing import agree, due_batches
from crowd_hitl.services.alerting import has_alerts, raise_alerts
from crowd_hitl.services.appealing import has_overdue_appeals, uphold_overdue
from crowd_hitl.services.assigning import expire, has_lapsed_leases
from crowd_hitl.services.blocking import LAPSE_AT_ONCE, has_lapsed_blocks, lapse_blocks
from crowd_hitl.services.compensating import has_unneeded_lines, return_lines
from crowd_hitl.services.delivering import Handler, drain, has_due
from crowd_hitl.services.ending_sittings import end_idle_sittings, has_idle_sittings
from crowd_hitl.services.jobbing import Wanted
from crowd_hitl.services.looping import advance, running_loops
from crowd_hitl.services.publishing import close_overdue, has_overdue
from crowd_hitl.services.reviewing import due_reviews, review_due
from crowd_hitl.services.ruling import apply_rule, due_rules
from crowd_hitl.services.stopping import stop_asking

EXPIRE_AT_ONCE = 1000
# A loop that goes on without people takes its further steps at its next turn: the other work has its turn.
STEPS_AT_ONCE = 5
ALL = 0  # the target of a pass over all of the house


@dataclass(frozen=True)
class Pass:
    """One kind of pass: `due` names its targets (the ids of batches or loops, or [ALL]), `work` does it for one."""

    due: Callable[[House], Sequence[int]]
    work: Work


def wanted(kind: str, house: House) -> list[Wanted]:
    """Name the passes of this kind that are due: one key for each target, so that two never wait for the same."""
    return [
        Wanted(kind=kind, key=kind if target == ALL else f"{kind}:{target}", payload={"target": target})
        for target in PASSES[kind].due(house)
    ]


def outbox_handlers(house: House) -> Mapping[str, Handler]:
    """Name who sends what the outbox holds, by its kind."""
    return {}


def when(*askings: Callable[..., bool]) -> Callable[[House], Sequence[int]]:
    """Make `due` of a pass over all of the house: it is when any of these services says so."""

    def due(house: House) -> Sequence[int]:
        return [ALL] if any(house.uow.read(asking) for asking in askings) else []

    return due


def expire_all(house: House, run: Run) -> None:
    """Reopen lapsed places, end idle hours and blocks whose time is over, close overdue batches, return lines."""
    reopened = 0
    while (now_reopened := house.uow.run(expire, limit=EXPIRE_AT_ONCE)) == EXPIRE_AT_ONCE:
        reopened += now_reopened
        run.step(reopened)
    while house.uow.run(lapse_blocks) >= LAPSE_AT_ONCE:
        run.step(reopened)
    house.uow.run(end_idle_sittings)
    house.uow.run(close_overdue)
    house.uow.run(return_lines)


def review_one(house: House, run: Run) -> None:
    """Approve what one batch's review policy approves by now."""
    review_due(house.uow, batch_id=run.job.payload["target"])


def uphold_all(house: House, _run: Run) -> None:
    """Uphold the appeals that nobody decided in time."""
    uphold_overdue(house.uow)


def judge_one(house: House, run: Run) -> None:
    """Let one behaviour rule look at the workers who gave something new."""
    apply_rule(house.uow, rule_id=run.job.payload["target"])


def agree_one(house: House, run: Run) -> None:
    """Decide the full tasks of one batch, by weighing all answers where that is due."""
    batch_id = run.job.payload["target"]
    if not stop_asking(house.uow, batch_id=batch_id, plugins=house.plugins):
        agree(house.uow, batch_id=batch_id, plugins=house.plugins)


def advance_one(house: House, run: Run) -> None:
    """Take a few steps of one loop, until it waits for people."""
    for _ in range(STEPS_AT_ONCE):
        step = advance(house.uow, loop_id=run.job.payload["target"], plugins=house.plugins, storage=house.storage)
        if step.waiting or step.stopped or run.stopping.is_set():
            return


def alert_all(house: House, _run: Run) -> None:
    """Note which budgets passed a level of their money."""
    house.uow.run(raise_alerts)


def deliver_all(house: House, _run: Run) -> None:
    """Send what the outbox holds."""
    drain(house.uow, handlers=outbox_handlers(house))


# In the order they run where they run one after the other: what one lays open, the next one finds.
PASSES: dict[str, Pass] = {
    "expire": Pass(
        when(has_lapsed_leases, has_idle_sittings, has_lapsed_blocks, has_overdue, has_unneeded_lines), expire_all
    ),
    "review": Pass(lambda house: house.uow.read(due_reviews), review_one),
    "appeals": Pass(when(has_overdue_appeals), uphold_all),
    "agree": Pass(lambda house: house.uow.read(due_batches), agree_one),
    "loop": Pass(lambda house: house.uow.read(running_loops), advance_one),
    "rules": Pass(lambda house: house.uow.read(due_rules), judge_one),
    "alert": Pass(when(has_alerts), alert_all),
    "deliver": Pass(when(has_due), deliver_all),
}
