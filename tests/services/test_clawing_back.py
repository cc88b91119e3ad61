"""Taking earnings back: once, only what is due, and never what a payout run collects at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import BadInput, Busy, Conflict, KeyReused, NotFound
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.domain.money import micros
from crowd_hitl.services.balances import batch_balance, budget_balance, worker_earnings
from crowd_hitl.services.clawing_back import Clawback, claw_back
from crowd_hitl.services.owing import due_to
from crowd_hitl.services.paying import create_budget, top_up
from crowd_hitl.services.reporting.dues import due_now
from crowd_hitl.services.reporting.payouts import list_payouts, payslip
from crowd_hitl.store.money_rows import TransferRow
from crowd_hitl.store.payout_rows import PayoutRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import BatchRow
from tests.services.published import NOON, Site, a_batch, a_site, answer, problems
from tests.services.test_paying_out import give, references, run_of


def take(site: Site, amount: str, *, key: str = "c", worker: int = 0, budget: int | None = None, **other: Any) -> int:
    asked = Clawback(
        **{
            "worker_id": site.workers[worker],
            "amount_micros": micros(amount),
            "reason": "Paid twice by mistake",
            **other,
        }
    )
    return site.uow.run(claw_back, budget_id=budget or site.budget_id, asked=asked, key=key, now=NOON).id


def a_paid_site(uow: UnitOfWork) -> Site:
    """The first worker earned 0.10 for two answers of batch 1, and a bonus of 1.00."""
    site = a_site(uow)
    batch = a_batch(site)
    for _ in range(2):
        answer(site, batch, site.workers[0])
    give(site, "1")
    return site


def due(site: Site, worker: int = 0) -> int:
    return site.uow.read(due_to, worker_id=site.workers[worker], currency="USD")


def test_a_claw_back_returns_money_to_the_budget_once(unit_of_work: UnitOfWork) -> None:
    site = a_paid_site(unit_of_work)
    before = unit_of_work.read(budget_balance, budget_id=site.budget_id)

    assert take(site, "0.30") == take(site, "0.30")
    take(site, "0.05", key="for the batch", batch_id=1)

    after = unit_of_work.read(budget_balance, budget_id=site.budget_id)
    assert before.spent_micros - after.spent_micros == micros("0.35")
    assert after.available_micros - before.available_micros == micros("0.35")
    assert after.topped_up_micros == after.spent_micros + after.reserved_micros + after.available_micros
    assert unit_of_work.read(batch_balance, batch_id=1).spent_micros == micros("0.05")
    earned = unit_of_work.read(worker_earnings, worker_id=site.workers[0])
    assert (earned.total_micros, earned.due_micros) == (micros("0.75"), micros("0.75"))
    assert due(site) == micros("0.75")
    for amount, reason in (("0.31", "Paid twice by mistake"), ("0.30", "Something else")):
        with pytest.raises(KeyReused):
            take(site, amount, reason=reason)
    assert problems(site) == []


def test_what_cannot_be_taken_back_is_refused_with_what_can(unit_of_work: UnitOfWork) -> None:
    site = a_paid_site(unit_of_work)
    other = unit_of_work.run(
        create_budget, organisation_id=site.organisation_id, name="other", currency="USD", now=NOON
    )
    unit_of_work.run(top_up, budget_id=other.id, amount_micros=micros("5"), key=None, note=None, now=NOON)
    give(site, "0.20", key="theirs", budget=other.id)

    with pytest.raises(Conflict, match=r"due 1\.30 USD that no payout holds"):
        take(site, "1.31", key="a")
    with pytest.raises(BadInput, match=r"at most 0\.20, what worker"):
        take(site, "0.21", key="b", budget=other.id)
    with pytest.raises(BadInput, match=r"at most 0\.10, .* for that batch"):
        take(site, "0.11", key="c", batch_id=1)
    with pytest.raises(BadInput, match="amount"):
        take(site, "0", key="d")
    with pytest.raises(BadInput, match="reason"):
        take(site, "0.01", key="e", reason=" ")
    for strange in ({"worker_id": 99}, {"batch_id": 99}):
        with pytest.raises(NotFound):
            take(site, "0.01", key="f", **strange)
    run_of(site)
    with pytest.raises(Conflict, match=r"due 0\.00 USD"):
        take(site, "0.01", key="g")
    assert problems(site) == []


def test_a_claw_back_is_a_line_with_a_minus_on_the_next_payslip(unit_of_work: UnitOfWork) -> None:
    site = a_paid_site(unit_of_work)
    run_of(site)
    give(site, "0.50", key="later")
    take(site, "0.20")
    (line,) = unit_of_work.read(due_now, organisation_id=site.organisation_id).rows
    assert (line.due_micros, line.lines) == (micros("0.30"), 2)

    again = run_of(site)

    (payout,) = unit_of_work.read(list_payouts, run_id=again).rows
    assert (payout.earned_micros, payout.amount_micros) == (micros("0.30"), micros("0.30"))
    with unit_of_work.reading() as session:
        payout_id = session.scalars(select(PayoutRow.id).where(PayoutRow.run_id == again)).one()
        rows = list(payslip(session, payout_id=payout_id))
    assert [(row["what"], row["amount"], row.get("note")) for row in rows] == [
        ("bonus", "0.50", "Good work"),
        ("clawback", "-0.20", "Paid twice by mistake"),
        ("payout", "0.30", None),
    ]
    assert problems(site) == []


def test_what_was_taken_back_to_nothing_is_in_no_run(unit_of_work: UnitOfWork) -> None:
    site = a_paid_site(unit_of_work)
    take(site, "1.10")
    assert unit_of_work.read(due_now, organisation_id=site.organisation_id).rows == []
    with pytest.raises(Conflict, match="Nobody is due"):
        run_of(site)
    give(site, "0.07", key="new")
    run_of(site)
    assert references(site, 1) == {(site.workers[0], "USD"): "CH-1-1"} or due(site) == 0
    assert problems(site) == []


@pytest.mark.parametrize("seed", range(6))
def test_claw_backs_and_runs_at_the_same_moment_share_what_is_due(unit_of_work: UnitOfWork, seed: int) -> None:
    """Whatever comes first: what was earned is what payouts hold, what was taken back and what is still due."""
    random = Random(seed)
    site = a_site(unit_of_work, items=8)
    batch = a_batch(site, overlap_min=1, overlap_max=1)
    for worker in (0, 1):
        give(site, random.choice(["0.30", "0.999", "1.00"]), key=f"first {worker}", worker=worker)
    asked: list[tuple[str, int]] = [
        (random.choice(["claw", "claw", "collect", "bonus", "answer"]), random.randrange(2)) for _ in range(10)
    ] + [("collect", 0), ("claw", 0)]
    amounts = [random.choice(["0.10", "0.30", "0.95"]) for _ in asked]
    at_once = Barrier(4)

    def do(number: int) -> None:
        if number < 4:
            at_once.wait(timeout=10)
        try:
            act(site, batch, asked[number], key=str(number), amount=amounts[number])
        except (Conflict, BadInput, Busy):
            return  # refused whole: the check below sees whether it was

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(do, range(len(asked))))

    assert problems(site) == []
    for worker in (0, 1):
        assert due(site, worker) >= 0
        earned = unit_of_work.read(worker_earnings, worker_id=site.workers[worker]).total_micros

        assert held(site, worker) + due(site, worker) == earned


def act(site: Site, batch: BatchRow, asked: tuple[str, int], *, key: str, amount: str) -> None:
    """Do one of the things that move what a worker is due."""
    what, worker = asked
    if what == "claw":
        take(site, amount, key=key, worker=worker)
    elif what == "bonus":
        give(site, "0.25", key=key, worker=worker)
    elif what == "answer":
        answer(site, batch, site.workers[worker])
    else:
        run_of(site)


def held(site: Site, worker: int) -> int:
    """Add up what payouts hold for a worker."""
    with site.uow.reading() as session:
        amount = func.coalesce(func.sum(PayoutRow.amount_micros), 0)
        return int(session.scalar(select(amount).where(PayoutRow.worker_id == site.workers[worker])) or 0)


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ("route", "UPDATE transfer SET from_id = to_id, to_id = from_id WHERE kind = 'clawback'"),
        ("budget", "UPDATE transfer SET amount_micros = amount_micros + 1 WHERE kind = 'clawback'"),
        ("due", "UPDATE transfer SET amount_micros = 9000000 WHERE kind = 'clawback'"),
        ("claw-back", "DELETE FROM clawback"),
        ("claw-back", "UPDATE clawback SET transfer_id = 1"),
        ("payout", "UPDATE transfer SET kind = 'payout' WHERE kind = 'clawback'"),
    ],
)
def test_the_check_finds_a_fault_in_claw_backs(unit_of_work: UnitOfWork, rule: str, fault: str) -> None:
    site = a_paid_site(unit_of_work)
    take(site, "0.20")
    run_of(site)
    assert problems(site) == []

    def break_it(session: Session) -> None:
        session.execute(text(fault))

    unit_of_work.run(break_it)
    assert any(f"rule='{rule}'" in problem for problem in problems(site))


def test_a_claw_back_says_who_took_it(unit_of_work: UnitOfWork) -> None:
    site = a_paid_site(unit_of_work)

    def account(session: Session) -> int:
        session.execute(
            text(
                "INSERT INTO account (id, organisation_id, login, name, role, password_hash, state, created_at) "
                "VALUES (7, 1, 'ines', 'Ines', 'requester', 'x', 'active', '2026-11-22 12:00:00+00:00')"
            )
        )
        return 7

    by = unit_of_work.run(account)
    take(site, "0.20", taken_by=by)
    with unit_of_work.reading() as session:
        assert session.execute(text("SELECT taken_by FROM clawback")).scalar() == by
        assert session.scalar(select(func.count()).where(TransferRow.kind == TransferKind.CLAWBACK)) == 1
