"""The loop: choose → ask → agree → train → predict → audit, one step at a time, until the promise is met or money ends.

`advance` takes the one next step that is possible and says when it must wait for people. Between its reads and its
writes it computes without any transaction; each write first checks that the loop stands where it was read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil
from random import Random

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import BudgetTooSmall, Conflict, NotFound
from crowd_hitl.domain.money import micros
from crowd_hitl.domain.ports import Plugins, Storage
from crowd_hitl.domain.quotes import COMPENSATION_SHARE, affordable_places
from crowd_hitl.domain.rounds import LoopPolicy, Phase, StopReason, policy_from, terms_of
from crowd_hitl.services.agreeing import agree, due_batches
from crowd_hitl.services.assigning import expire
from crowd_hitl.services.auditing import freeze
from crowd_hitl.services.balances import batch_balance
from crowd_hitl.services.choosing import Chosen, choose
from crowd_hitl.services.concluding import conclude, stop
from crowd_hitl.services.eligible import able_workers
from crowd_hitl.services.projects import newest_question
from crowd_hitl.services.publishing import BatchRequest, close_batch, publish_batch
from crowd_hitl.services.settling_tasks import retire_unreachable
from crowd_hitl.store.loop_rows import ChoiceRow, LoopRow, RoundRow
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.project_rows import IS_TRUSTED, GoldRow, ItemRow, ProjectRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AnswerRow, BatchRow, TaskRow


@dataclass(frozen=True)
class Step:
    """Where a loop stands after a step; `waiting` when only people can take it further."""

    loop_id: int
    phase: str
    round_number: int | None
    batch_id: int | None
    waiting: bool
    stopped: str | None


def start_loop(
    session: Session, *, project_id: int, budget_id: int, policy: LoopPolicy, seed: int, now: datetime
) -> LoopRow:
    """Start a project's loop on a budget; Conflict when one is running."""
    running = select(LoopRow.id).where(LoopRow.project_id == project_id, LoopRow.state == "running")
    if session.scalar(running) is not None:
        raise Conflict("This project's loop is running already. Advance it, or stop it first.")
    project, budget = session.get_one(ProjectRow, project_id), session.get(BudgetRow, budget_id)
    if budget is None or budget.organisation_id != project.organisation_id:
        raise NotFound(f"There is no budget {budget_id}. Make one and top it up first.")
    if session.scalar(select(ItemRow.id).where(ItemRow.project_id == project_id).limit(1)) is None:
        raise Conflict("This project has no items yet. Import some first.")
    if not newest_question(session, project_id=project_id).is_class:
        raise Conflict("A loop trains on classes, and this project's answers are none. Publish batches instead.")
    gold = session.scalar(select(func.count()).where(GoldRow.project_id == project_id, IS_TRUSTED)) or 0
    loop = LoopRow(
        project_id=project_id,
        budget_id=budget_id,
        state="running",
        # gold that came with the items judges the model as well as any that would be bought
        phase=Phase.LEARN if gold >= policy.reference_items else Phase.REFERENCE,
        extending=False,
        seed=seed,
        policy=policy.as_json(),
        started_at=now,
    )
    session.add(loop)
    session.flush()
    return loop


def stop_loop(session: Session, *, loop_id: int, now: datetime) -> LoopRow:
    """Stop a loop by hand: its open batch is closed, what is agreed stays."""
    # Locked first: a round that is being opened is waited for, and its batch closed with the others.
    if session.scalar(select(LoopRow).where(LoopRow.id == loop_id).with_for_update(key_share=True)) is None:
        raise NotFound(f"There is no loop {loop_id}.")
    for batch_id in _open_batches(session, loop_id):
        close_batch(session, batch_id=batch_id, now=now)
    return stop(session, loop_id=loop_id, reason=StopReason.BY_HAND, now=now)


def running_loop(session: Session, *, project_id: int) -> LoopRow:
    """Return the project's running loop; NotFound when there is none."""
    found = session.scalar(select(LoopRow).where(LoopRow.project_id == project_id, LoopRow.state == "running"))
    if found is None:
        raise NotFound("This project has no running loop. Start one.")
    return found


def running_loops(session: Session) -> list[int]:
    """List the running loops, the oldest first."""
    return list(session.scalars(select(LoopRow.id).where(LoopRow.state == "running").order_by(LoopRow.id)))


def advance(uow: UnitOfWork, *, loop_id: int, plugins: Plugins, storage: Storage) -> Step:
    """Take the loop's next step: open a round, look at its answers, or conclude it."""
    loop, current = uow.read(_stand, loop_id=loop_id)
    if loop.state == "stopped":
        return uow.read(where_it_stands, loop_id=loop_id)
    if current is None or current.state == "done":
        policy = policy_from(loop.policy)
        number = 0 if current is None else current.number + 1
        random = Random(f"{loop.seed}/{number}")
        chosen = choose(uow, loop=loop, policy=policy, random=random, plugins=plugins, storage=storage)
        uow.run(open_round, loop_id=loop_id, number=number, chosen=chosen, random=random)
    elif current.state == "asking":
        _look_at_answers(uow, round_id=current.id, plugins=plugins)
    else:
        conclude(uow, loop=loop, round_row=current, plugins=plugins, storage=storage)
    return uow.read(where_it_stands, loop_id=loop_id)


def open_round(
    session: Session, *, loop_id: int, number: int, chosen: Sequence[Chosen], random: Random, now: datetime
) -> None:
    """Publish what was chosen, as far as the money goes; a round with nothing to ask is asked at once."""
    loop = session.scalars(select(LoopRow).where(LoopRow.id == loop_id).with_for_update(key_share=True)).one()
    last = session.scalar(select(func.max(RoundRow.number)).where(RoundRow.loop_id == loop_id))
    if loop.state != "running" or (-1 if last is None else last) != number - 1:
        return  # somebody else took this step
    if able_workers(session, project_id=loop.project_id, now=now) == 0:
        return  # a round with nobody to ask would only use up the rounds there may be
    policy = policy_from(loop.policy)
    try:
        request, chosen = _request(session, loop, chosen=chosen, number=number, now=now)
    except BudgetTooSmall:
        stop(session, loop_id=loop_id, reason=StopReason.BUDGET, now=now)
        return
    row = _new_round(loop, number=number, asks=bool(request.items), items=len(chosen), now=now)
    frozen = {choice.item_id: choice.frozen_value or "" for choice in chosen}
    if loop.phase == Phase.AUDIT and not freeze(session, loop=loop, row=row, frozen=frozen, policy=policy):
        return  # a label moved since the sample was drawn: the next step draws anew
    session.add(row)
    session.flush()
    if chosen:
        session.execute(insert(ChoiceRow), [{"round_id": row.id, **vars(choice)} for choice in chosen])
    if request.items:
        asked = replace(request, round_id=row.id)
        publish_batch(session, project_id=loop.project_id, request=asked, random=random, now=now)


def _new_round(loop: LoopRow, *, number: int, asks: bool, items: int, now: datetime) -> RoundRow:
    return RoundRow(
        loop_id=loop.id,
        project_id=loop.project_id,
        number=number,
        purpose=loop.phase,
        state="asking" if asks else "asked",
        items_asked=items,
        spent_micros=0,
        started_at=now,
    )


def where_it_stands(session: Session, *, loop_id: int, now: datetime) -> Step:
    """Say where a loop stands now."""
    loop, current = _stand(session, loop_id=loop_id)
    batch_id = None
    if current is not None and current.state == "asking":
        batch_id = session.scalar(select(BatchRow.id).where(BatchRow.round_id == current.id))
    return Step(
        loop_id=loop_id,
        phase=loop.phase,
        round_number=None if current is None else current.number,
        batch_id=batch_id,
        waiting=loop.state == "running" and _waits(session, loop, batch_id=batch_id, now=now),
        stopped=loop.stopped,
    )


def _look_at_answers(uow: UnitOfWork, *, round_id: int, plugins: Plugins) -> None:
    uow.run(expire)
    asked = uow.read(_batches_of, round_id=round_id)
    retired = [batch_id for batch_id in asked if uow.run(retire_unreachable, batch_id=batch_id)]
    for batch_id in dict.fromkeys([*uow.read(due_batches, within=asked), *retired]):
        agree(uow, batch_id=batch_id, plugins=plugins)
    uow.run(_mark_asked, round_id=round_id)


def _mark_asked(session: Session, *, round_id: int) -> None:
    # Locked: another process may be concluding this round, and must not be set back.
    row = session.scalars(select(RoundRow).where(RoundRow.id == round_id).with_for_update(key_share=True)).one()
    batches = [session.get_one(BatchRow, batch_id) for batch_id in _batches_of(session, round_id=round_id)]
    if row.state == "asking" and all(batch.state == "closed" for batch in batches):
        row.state = "asked"
        row.answers = (
            session.scalar(select(func.count()).where(AnswerRow.batch_id.in_([batch.id for batch in batches]))) or 0
        )
        row.spent_micros = sum(batch_balance(session, batch_id=batch.id).spent_micros for batch in batches)


def _request(
    session: Session, loop: LoopRow, *, chosen: Sequence[Chosen], number: int, now: datetime
) -> tuple[BatchRequest, list[Chosen]]:
    """Fit a round to the people and the money there are; return its batch and what is recorded as chosen.

    BudgetTooSmall when what is left buys no further place. What everybody has answered already cannot be asked
    again: for an audit it stays recorded, as unsettled.
    """
    policy = policy_from(loop.policy)
    terms = terms_of(Phase(loop.phase), policy)
    workers = able_workers(session, project_id=loop.project_id, now=now)
    overlap_min = max(1, min(terms.overlap_min, workers))
    price_micros = micros(policy.price)
    each = price_micros * overlap_min
    available = session.get_one(BudgetRow, loop.budget_id).available_micros
    affordable = affordable_places(available // price_micros, share=COMPENSATION_SHARE) // overlap_min
    asked, heard = _divide(session, chosen, voices_max=workers - overlap_min, affordable=affordable)
    # An audit that was paid for is counted, even when nothing is left to confirm it with.
    if len(heard) < len(chosen) and not asked and loop.phase != Phase.CONFIRM:
        raise BudgetTooSmall("What is left buys no further place.", missing_micros=each - available)
    gold_tasks = ceil(terms.gold_rate * len(asked))
    request = BatchRequest(
        name=f"Round {number}: {loop.phase}",
        budget_id=loop.budget_id,
        price_micros=price_micros,
        overlap_min=overlap_min,
        overlap_max=max(overlap_min, min(terms.overlap_max, workers)),
        confidence_target=terms.confidence_target,
        lease_seconds=policy.lease_seconds,
        gold_rate=terms.gold_rate if len(asked) + gold_tasks <= affordable else 0.0,
        purpose=loop.phase,
        items=[choice.item_id for choice in asked],
        aggregator=policy.aggregator,
    )
    return request, [*asked, *heard]


def _divide(
    session: Session, chosen: Sequence[Chosen], *, voices_max: int, affordable: int
) -> tuple[list[Chosen], list[Chosen]]:
    """Divide what was chosen into what can be asked and what has too many voices already, up to where money ends.

    Nothing behind that is recorded: the first so many of a random order are a random sample.
    """
    voices = _voices(session, [choice.item_id for choice in chosen])
    asked: list[Chosen] = []
    heard: list[Chosen] = []
    for choice in chosen:
        if voices.get(choice.item_id, 0) > voices_max:
            heard.append(choice)
        elif len(asked) < affordable:
            asked.append(choice)
        else:
            break
    return asked, heard


def _voices(session: Session, item_ids: Sequence[int]) -> dict[int, int]:
    rows = session.execute(
        select(TaskRow.item_id, func.sum(TaskRow.answers_count))
        .where(TaskRow.item_id.in_(item_ids))
        .group_by(TaskRow.item_id)
    )
    return {item_id: int(count) for item_id, count in rows}


def _stand(session: Session, *, loop_id: int) -> tuple[LoopRow, RoundRow | None]:
    loop = session.get(LoopRow, loop_id)
    if loop is None:
        raise NotFound(f"There is no loop {loop_id}.")
    newest = select(RoundRow).where(RoundRow.loop_id == loop_id).order_by(RoundRow.number.desc()).limit(1)
    return loop, session.scalar(newest)


def _batches_of(session: Session, *, round_id: int) -> list[int]:
    return list(session.scalars(select(BatchRow.id).where(BatchRow.round_id == round_id).order_by(BatchRow.id)))


def _open_batches(session: Session, loop_id: int) -> list[int]:
    rows = select(BatchRow.id).join(RoundRow, RoundRow.id == BatchRow.round_id)
    return list(session.scalars(rows.where(RoundRow.loop_id == loop_id, BatchRow.state != "closed")))


def _waits(session: Session, loop: LoopRow, *, batch_id: int | None, now: datetime) -> bool:
    if able_workers(session, project_id=loop.project_id, now=now) == 0:
        return True
    return batch_id is not None and _has_unfilled_places(session, batch_id)


def _has_unfilled_places(session: Session, batch_id: int) -> bool:
    waiting = select(TaskRow.id).where(
        TaskRow.batch_id == batch_id, TaskRow.state != "retired", TaskRow.answers_count < TaskRow.overlap
    )
    return session.scalar(waiting.limit(1)) is not None
