"""Steps for tests of sittings: claim, submit, decide and look, each one call."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.services.answering import Receipt, Submission, submit, submit_at_once
from crowd_hitl.services.assigning import claim, claim_at_once
from crowd_hitl.services.balances import budget_balance
from crowd_hitl.services.showing import Offered
from crowd_hitl.store.money_rows import TransferRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, SittingRow
from tests.services.published import QUESTIONS, Site, later


def claimed(site: Site, batch: BatchRow, worker: int = 0, *, count: int = 1, at: float = 0) -> list[Offered]:
    """Claim places as the API does: at once if that is enough."""
    worker_id = site.workers[worker]
    arguments = {"batch_id": batch.id, "worker_id": worker_id, "count": count, "now": later(at)}
    return site.uow.run_short(claim_at_once, otherwise=claim, **arguments)


def submitted(
    site: Site, assignment_id: int, worker: int = 0, *, seconds: float = 0, at: float = 0, next_count: int = 0
) -> Receipt:
    """Submit as the API does."""
    submission = Submission(
        value={"label": "cat"}, client_key=f"k{assignment_id}", seconds=seconds, next_count=next_count
    )
    return site.uow.run_short(
        submit_at_once,
        otherwise=submit,
        assignment_id=assignment_id,
        worker_id=site.workers[worker],
        submission=submission,
        questions=QUESTIONS,
        now=later(at),
    )


def moved(site: Site, *kinds: TransferKind) -> list[tuple[str, int]]:
    """List the transfers of these kinds, as (kind, micro-units), in their order."""
    wanted = kinds or (TransferKind.PAY, TransferKind.FEE)

    def read(session: Session) -> list[tuple[str, int]]:
        rows = select(TransferRow).where(TransferRow.kind.in_(wanted)).order_by(TransferRow.id)
        return [(row.kind, row.amount_micros) for row in session.scalars(rows)]

    return site.uow.read(read)


def sittings(site: Site) -> list[SittingRow]:
    """List all sittings."""
    return site.uow.read(lambda session: list(session.scalars(select(SittingRow).order_by(SittingRow.id))))


def states(site: Site) -> list[str]:
    """List the states of all assignments."""
    query = select(AssignmentRow.state).order_by(AssignmentRow.id)
    return site.uow.read(lambda session: list(session.scalars(query)))


def answer_ids(site: Site) -> Sequence[int]:
    """List all answers."""
    return site.uow.read(lambda session: session.scalars(select(AnswerRow.id).order_by(AnswerRow.id)).all())


def available(site: Site) -> int:
    """Read what the budget has left."""
    return site.uow.read(budget_balance, budget_id=site.budget_id).available_micros
