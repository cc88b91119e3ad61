"""A claw-back and a payout that is marked paid at the same moment: one after the other, or the worker owes us."""

from threading import Thread
from typing import Any

from sqlalchemy import event, select

from crowd_hitl.domain.errors import CrowdError
from crowd_hitl.services.clawing_back import Clawback, claw_back
from crowd_hitl.services.owing import due_to
from crowd_hitl.services.paying_out import collect, export_run, mark_paid
from crowd_hitl.store.payout_rows import PayoutRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from tests.services.published import PRICE, a_batch, a_site, later, problems
from tests.services.sat import claimed, submitted

WAIT_SECONDS = 0.5


def test_a_claw_back_does_not_take_what_is_marked_paid_while_it_counts(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, overlap_min=1, overlap_max=1)
    submitted(site, claimed(site, batch)[0].assignment_id)
    run = unit_of_work.run(collect, organisation_id=site.organisation_id, key=None, now=later(1))
    unit_of_work.run(export_run, run_id=run.id, now=later(2))
    payout = unit_of_work.read(lambda session: session.scalars(select(PayoutRow)).one())
    told = {"organisation_id": site.organisation_id, "reference": payout.reference, "paid_as": None, "now": later(3)}
    paying = Thread(target=lambda: unit_of_work.run(mark_paid, **told))

    def meanwhile(_connection: Any, _cursor: Any, statement: str, *_others: Any) -> None:
        if "sum(payout.amount_micros)" in statement and paying.ident is None:
            paying.start()
            paying.join(WAIT_SECONDS)  # long enough to get in between, if nothing keeps it out

    event.listen(unit_of_work.engine, "before_cursor_execute", meanwhile)
    wanted = Clawback(worker_id=site.workers[0], amount_micros=PRICE, reason="Paid for by mistake.")
    try:
        unit_of_work.run(claw_back, budget_id=site.budget_id, asked=wanted, key="c", now=later(4))
    except CrowdError:
        pass
    else:
        raise AssertionError("it was promised to the worker already")
    finally:
        event.remove(unit_of_work.engine, "before_cursor_execute", meanwhile)
        paying.join()

    assert unit_of_work.read(due_to, worker_id=site.workers[0], currency="USD") == 0
    assert problems(site) == []
