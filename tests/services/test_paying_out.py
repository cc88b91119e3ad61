"""Bonuses, payouts, reconciliation: nothing is paid twice, no currencies meet, nothing is mended unasked."""

from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import AlreadyDone, BadInput, BudgetTooSmall, Conflict, KeyReused, NotFound
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.domain.money import micros
from crowd_hitl.domain.sheets import csv_lines, read_csv
from crowd_hitl.services.balances import budget_balance, worker_earnings
from crowd_hitl.services.paying import create_budget, top_up
from crowd_hitl.services.paying_out import FILE_COLUMNS, collect, export_run, mark_paid, payout_file
from crowd_hitl.services.reconciling import PAID_COLUMNS, Reconciliation, reconcile
from crowd_hitl.services.reporting.dues import due_now
from crowd_hitl.services.reporting.payouts import list_payouts, list_runs, payslip
from crowd_hitl.services.rewarding import Reward, reward
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.payout_rows import PayoutRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from tests.services.published import NOON, Site, a_batch, a_site, answer, problems


def give(site: Site, amount: str, *, key: str = "k", worker: int = 0, budget: int | None = None, **other: Any) -> int:
    asked = {"kind": TransferKind.BONUS, "reason": "Good work", **other}
    given = Reward(worker_id=site.workers[worker], amount_micros=micros(amount), **asked)
    return site.uow.run(reward, budget_id=budget or site.budget_id, given=given, key=key, now=NOON).id


def a_worked_site(uow: UnitOfWork) -> Site:
    """Two answers by the first worker and one by the second, at 0.05 each; a bonus in US dollars and one in yen."""
    site = a_site(uow)
    batch = a_batch(site)
    for worker in (0, 0, 1):
        answer(site, batch, site.workers[worker])
    give(site, "1.239", batch_id=batch.id)
    yen = uow.run(create_budget, organisation_id=site.organisation_id, name="yen", currency="JPY", now=NOON)
    uow.run(top_up, budget_id=yen.id, amount_micros=micros("500"), key=None, note=None, now=NOON)
    give(site, "120", budget=yen.id)
    return site


def run_of(site: Site, key: str | None = None) -> int:
    return site.uow.run(collect, organisation_id=site.organisation_id, key=key, now=NOON).id


def references(site: Site, run_id: int) -> dict[tuple[int, str], str]:
    rows = site.uow.read(list_payouts, run_id=run_id).rows
    return {(row.worker_id, row.currency): row.reference for row in rows}


def file_of(site: Site, run_id: int) -> list[str]:
    site.uow.run(export_run, run_id=run_id, now=NOON)
    with site.uow.reading() as session:
        return list(csv_lines(payout_file(session, run_id=run_id), columns=FILE_COLUMNS))


def pay(site: Site, reference: str, paid_as: str | None = None) -> PayoutRow:
    return site.uow.run(mark_paid, organisation_id=site.organisation_id, reference=reference, paid_as=paid_as, now=NOON)


def compare(site: Site, run_id: int, lines: list[str]) -> Reconciliation:
    return site.uow.read(reconcile, run_id=run_id, rows=list(read_csv(lines, needed=PAID_COLUMNS)))


def test_a_bonus_is_paid_once_under_its_key_and_counts_as_spent(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, money=micros("2"))

    assert give(site, "0.50") == give(site, "0.50")
    for other in ({"amount": "0.60"}, {"amount": "0.50", "worker": 1}, {"amount": "0.50", "reason": "Other work"}):
        with pytest.raises(KeyReused):
            give(site, **other)
    give(site, "0.25", kind=TransferKind.ADJUSTMENT)

    balance = unit_of_work.read(budget_balance, budget_id=site.budget_id)
    assert (balance.spent_micros, balance.available_micros) == (micros("0.75"), micros("1.25"))
    earned = unit_of_work.read(worker_earnings, worker_id=site.workers[0])
    assert (earned.due_micros, earned.paid_micros, earned.by_day[0][1]) == (micros("0.75"), 0, 0)
    assert problems(site) == []


def test_a_bonus_that_cannot_be_is_refused(unit_of_work: UnitOfWork) -> None:
    site = a_worked_site(unit_of_work)
    with pytest.raises(BudgetTooSmall, match="Top it up"):
        give(site, "1000", key="a")
    with pytest.raises(BadInput, match="amount"):
        give(site, "0", key="b")
    with pytest.raises(BadInput, match="reason"):
        give(site, "1", key="c", reason=" ")
    with pytest.raises(BadInput, match="kind"):
        give(site, "1", key="d", kind=TransferKind.PAY)
    with pytest.raises(BadInput, match="a batch in JPY"):
        give(site, "1", key="e", budget=site.budget_id + 1, batch_id=1)
    with pytest.raises(NotFound):
        give(site, "1", key="f", batch_id=99)
    assert problems(site) == []


def test_a_run_takes_each_currency_by_itself_cuts_to_cents_and_carries_the_rest(unit_of_work: UnitOfWork) -> None:
    site = a_worked_site(unit_of_work)
    run_id = run_of(site, "november")
    found = {
        (row.worker_id, row.currency): (row.amount_micros, row.state)
        for row in unit_of_work.read(list_payouts, run_id=run_id).rows
    }
    first, second = site.workers[:2]
    assert found == {
        (first, "USD"): (micros("1.33"), "due"),
        (first, "JPY"): (micros("120"), "due"),
        (second, "USD"): (micros("0.05"), "due"),
    }
    assert run_of(site, "november") == run_id
    with pytest.raises(Conflict, match="Nobody is due"):
        run_of(site)
    totals = unit_of_work.read(list_runs, organisation_id=site.organisation_id).rows[0].totals
    assert [(one.currency, one.amount_micros) for one in totals] == [("JPY", micros("120")), ("USD", micros("1.38"))]

    give(site, "0.001", key="tiny")
    (rest,) = unit_of_work.read(due_now, organisation_id=site.organisation_id).rows
    assert (rest.due_micros, rest.payable_micros) == (micros("0.01"), micros("0.01"))
    again = run_of(site)
    (line,) = unit_of_work.read(list_payouts, run_id=again).rows
    assert (line.amount_micros, line.carried_micros, line.earned_micros) == (micros("0.01"), 9_000, 1_000)
    assert problems(site) == []


def test_simulated_workers_and_other_channels_are_never_paid_out(unit_of_work: UnitOfWork) -> None:
    site = a_worked_site(unit_of_work)

    def change(session: Session) -> None:
        session.get_one(WorkerRow, site.workers[0]).simulated = True
        session.get_one(WorkerRow, site.workers[1]).channel = "mturk"

    unit_of_work.run(change)
    assert unit_of_work.read(due_now, organisation_id=site.organisation_id).rows == []


def test_a_payout_goes_from_due_to_exported_to_paid_and_leaves_the_ledger_once(unit_of_work: UnitOfWork) -> None:
    site = a_worked_site(unit_of_work)
    run_id = run_of(site)
    reference = references(site, run_id)[site.workers[0], "USD"]
    with pytest.raises(Conflict, match="not exported"):
        pay(site, reference)
    assert file_of(site, run_id) == file_of(site, run_id)

    paid = [pay(site, reference, "bank 7"), pay(site, reference, "bank 7"), pay(site, reference)]

    assert [row.state for row in paid] == ["paid"] * 3
    with pytest.raises(AlreadyDone):
        pay(site, reference, "bank 8")
    for wrong in ("CH-9-9", "7", "CH-1-x", f" {reference}0"):
        with pytest.raises(NotFound):
            pay(site, wrong)
    earned = unit_of_work.read(worker_earnings, worker_id=site.workers[1])
    assert (earned.due_micros, earned.paid_micros) == (micros("0.05"), 0)

    def of_first(session: Session) -> list[tuple[int, str]]:
        rows = session.execute(text("SELECT amount_micros, currency FROM transfer WHERE kind = 'payout'"))
        return [(int(amount), currency) for amount, currency in rows]

    assert unit_of_work.read(of_first) == [(micros("1.33"), "USD")]
    assert problems(site) == []


def test_the_payout_file_is_safe_in_a_spreadsheet_and_reads_back(unit_of_work: UnitOfWork) -> None:
    site = a_worked_site(unit_of_work)

    def rename(session: Session) -> None:
        session.get_one(WorkerRow, site.workers[0]).name = '=HYPERLINK("http://x","y")'

    unit_of_work.run(rename)
    lines = file_of(site, run_of(site))
    assert "\"'=HYPERLINK" in "".join(lines)
    back = list(read_csv(lines, needed=PAID_COLUMNS))
    assert back[0]["name"] == '=HYPERLINK("http://x","y")'
    assert {row["amount"] for row in back} == {"120.00", "1.33", "0.05"}


def test_reconciling_lists_every_difference_and_changes_nothing(unit_of_work: UnitOfWork) -> None:
    site = a_worked_site(unit_of_work)
    run_id = run_of(site)
    lines = file_of(site, run_id)
    assert compare(site, run_id, lines).differences == []
    assert len(compare(site, run_id, lines).matched) == 3
    named = references(site, run_id)
    yen, dollars, cents = (named[site.workers[w], code] for w, code in ((0, "JPY"), (0, "USD"), (1, "USD")))

    found = compare(
        site,
        run_id,
        [
            "amount,reference,currency,bank\n",
            f"1.34,{dollars},USD,x\n",
            f"120,{yen},USD,x\n",
            f"120,{yen},JPY,x\n",
            "5,CH-7-7,USD,x\n",
            "much,CH-7-8,USD\n",
        ],
    )

    assert [(one.reference, one.what, one.row) for one in found.differences] == [
        (dollars, "amount", 2),
        (yen, "currency", 3),
        (yen, "twice", 4),
        ("CH-7-7", "unknown", 5),
        ("CH-7-8", "unknown", 6),
        (cents, "missing", None),
    ]
    with unit_of_work.reading() as session:
        assert set(session.scalars(select(PayoutRow.state))) == {"exported"}
    with pytest.raises(BadInput, match="amount is not there"):
        compare(site, run_id, ["reference,currency\n"])


def test_a_payslip_shows_each_answer_and_bonus_and_adds_up(unit_of_work: UnitOfWork) -> None:
    site = a_worked_site(unit_of_work)
    run_of(site)
    with unit_of_work.reading() as session:
        payout_id = session.scalars(select(PayoutRow.id).where(PayoutRow.amount_micros == micros("1.33"))).one()
        rows = list(payslip(session, payout_id=payout_id))
    assert [row["what"] for row in rows] == ["pay", "pay", "bonus", "carried on", "payout"]
    assert [row["amount"] for row in rows] == ["0.05", "0.05", "1.239", "-0.009", "1.33"]
    assert {row["item"] for row in rows if row["what"] == "pay"} <= {"k0", "k1", "k2"}
    assert rows[2]["note"] == "Good work"


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ("payout", "UPDATE payout SET earned_micros = earned_micros + 1 WHERE id = 1"),
        ("payout", "UPDATE payout_line SET payout_id = (SELECT max(id) FROM payout) WHERE id = 1"),
        ("paid out", "UPDATE transfer SET amount_micros = amount_micros - 1 WHERE kind = 'payout'"),
        ("paid out", "DELETE FROM transfer WHERE kind = 'payout'"),
        ("paid out", "UPDATE transfer SET business_key = 'x' WHERE kind = 'payout'"),
        ("route", "UPDATE transfer SET kind = 'top_up' WHERE kind = 'bonus'"),
        ("budget", "UPDATE transfer SET amount_micros = 1 WHERE kind = 'bonus'"),
    ],
)
def test_the_check_finds_a_fault_in_payouts(unit_of_work: UnitOfWork, rule: str, fault: str) -> None:
    site = a_worked_site(unit_of_work)
    run_id = run_of(site)
    file_of(site, run_id)
    pay(site, references(site, run_id)[site.workers[0], "USD"])
    assert problems(site) == []

    def break_it(session: Session) -> None:
        session.execute(text(fault))

    unit_of_work.run(break_it)
    assert any(f"rule='{rule}'" in problem for problem in problems(site))
