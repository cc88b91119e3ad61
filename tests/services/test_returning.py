"""Payouts that fail: what they held goes out once more, and once only; what was paid and came back is on the ledger."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import AlreadyDone, BadInput, Conflict, NotFound
from crowd_hitl.domain.money import micros
from crowd_hitl.services.balances import worker_earnings
from crowd_hitl.services.paying_out import collect
from crowd_hitl.services.reporting.dues import due_now
from crowd_hitl.services.reporting.payouts import list_payouts, payslip
from crowd_hitl.services.returning import fail_payout, reopen_payout
from crowd_hitl.store.payout_rows import PayoutRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from tests.services.published import NOON, Site, problems
from tests.services.test_clawing_back import a_paid_site, due, take
from tests.services.test_paying_out import compare, file_of, give, pay, references, run_of

REASON = "Account closed"


def fail(site: Site, reference: str, reason: str = REASON) -> PayoutRow:
    return site.uow.run(fail_payout, organisation_id=site.organisation_id, reference=reference, reason=reason, now=NOON)


def reopen(site: Site, reference: str) -> PayoutRow:
    return site.uow.run(reopen_payout, organisation_id=site.organisation_id, reference=reference)


def sent(uow: UnitOfWork) -> tuple[Site, str]:
    """A payout of 1.10 to the first worker that was exported."""
    site = a_paid_site(uow)
    run_id = run_of(site)
    file_of(site, run_id)
    return site, references(site, run_id)[site.workers[0], "USD"]


def test_what_the_bank_refused_goes_out_with_the_next_run_once(unit_of_work: UnitOfWork) -> None:
    site, reference = sent(unit_of_work)

    assert [fail(site, reference).state for _ in range(2)] == ["failed", "failed"]

    with pytest.raises(AlreadyDone, match="Account closed"):
        fail(site, reference, "Another reason")
    with pytest.raises(Conflict, match="payout reopen"):
        pay(site, reference)
    assert due(site) == micros("1.10")
    again = run_of(site)
    (line,) = unit_of_work.read(list_payouts, run_id=again).rows
    assert (line.amount_micros, line.carried_micros) == (micros("1.10"), 0)
    with pytest.raises(Conflict, match="Nobody is due"):
        run_of(site)
    assert len(file_of(site, 1)) == 1, "the failed one is not in the file any more"
    assert problems(site) == []


def test_a_payment_that_came_back_is_on_the_ledger_and_due_again(unit_of_work: UnitOfWork) -> None:
    site, reference = sent(unit_of_work)
    pay(site, reference, "bank 7")

    fail(site, reference)

    earned = unit_of_work.read(worker_earnings, worker_id=site.workers[0])
    assert (earned.paid_micros, earned.due_micros) == (0, micros("1.10"))
    with pytest.raises(Conflict, match="came back"):
        reopen(site, reference)
    again = run_of(site)
    file_of(site, again)
    pay(site, references(site, again)[site.workers[0], "USD"])
    assert unit_of_work.read(worker_earnings, worker_id=site.workers[0]).due_micros == 0
    with unit_of_work.reading() as session:
        rows = list(payslip(session, payout_id=1))
    assert (rows[-1]["what"], rows[-1]["amount"], rows[-1]["note"]) == ("failed", "-1.10", REASON)
    assert problems(site) == []


def test_rests_that_failed_payouts_carried_are_lost_to_nobody(unit_of_work: UnitOfWork) -> None:
    site, _ = sent(unit_of_work)
    give(site, "0.009", key="rest")
    give(site, "1", key="whole")
    first = run_of(site)  # 1.00, and a rest of 0.009
    give(site, "0.001", key="cent")
    second = run_of(site)  # 0.01 of the rest
    for run_id in (first, second):
        file_of(site, run_id)

    fail(site, references(site, first)[site.workers[0], "USD"])

    (line,) = unit_of_work.read(due_now, organisation_id=site.organisation_id).rows
    assert (line.due_micros, line.earned_micros, line.carried_micros) == (micros("1"), micros("1.009"), -9_000)
    run_of(site)
    assert due(site) == 0
    assert problems(site) == []


def test_a_payout_is_opened_again_only_while_all_it_held_is_free(unit_of_work: UnitOfWork) -> None:
    site, reference = sent(unit_of_work)
    fail(site, reference)
    assert [reopen(site, reference).state for _ in range(2)] == ["exported", "exported"]
    assert due(site) == 0
    pay(site, reference)
    with pytest.raises(Conflict, match="only a payout that was marked failed"):
        reopen(site, reference)
    give(site, "2", key="next")
    later = run_of(site)
    file_of(site, later)
    second = references(site, later)[site.workers[0], "USD"]
    fail(site, second)
    take(site, "0.50")
    with pytest.raises(Conflict, match=r"only 1\.50 of it"):
        reopen(site, second)
    third = references(site, run_of(site))[site.workers[0], "USD"]
    with pytest.raises(Conflict, match=f"is in {third} now"):
        reopen(site, second)
    assert problems(site) == []


def test_a_payout_cannot_fail_before_it_was_sent_or_without_a_reason(unit_of_work: UnitOfWork) -> None:
    site = a_paid_site(unit_of_work)
    reference = references(site, run_of(site))[site.workers[0], "USD"]
    with pytest.raises(Conflict, match="not exported"):
        fail(site, reference)
    with pytest.raises(BadInput, match="reason"):
        fail(site, reference, " ")
    with pytest.raises(NotFound):
        fail(site, "CH-9-9")


def test_opening_again_and_collecting_at_the_same_moment_pay_once(unit_of_work: UnitOfWork) -> None:
    site, reference = sent(unit_of_work)
    fail(site, reference)

    def attempt(what: int) -> None:
        try:
            if what % 2:
                reopen(site, reference)
            else:
                unit_of_work.run(collect, organisation_id=site.organisation_id, key=None, now=NOON)
        except Conflict:
            return

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(attempt, range(8)))
    assert due(site) == 0
    assert problems(site) == []


def test_a_line_stands_in_one_payout_whatever_the_program_does(unit_of_work: UnitOfWork) -> None:
    site, _ = sent(unit_of_work)

    def twice(session: Session) -> None:
        session.execute(text("INSERT INTO payout_line (payout_id, transfer_id, is_void) SELECT payout_id, transfer_id, "
                             "false FROM payout_line"))  # fmt: skip

    with pytest.raises(IntegrityError):
        unit_of_work.run(twice)
    assert problems(site) == []


def test_a_statement_with_failed_rows_is_compared_too(unit_of_work: UnitOfWork) -> None:
    site, reference = sent(unit_of_work)
    header = "reference,currency,amount,status\n"
    paid, failed = f"{reference},USD,1.10,booked\n", f"{reference},USD,-1.10,Returned\n"
    strange = f"{reference},USD,1.10,on hold\n"

    def found(*rows: str) -> list[tuple[str, str]]:
        return [(one.what, one.expected) for one in compare(site, 1, [header, *rows]).differences]

    assert found(paid) == []
    assert found(failed) == [("failed", "exported here")]
    assert found(strange) == [("status", "paid or failed")]
    assert found(paid, paid) == [("twice", "one payment")]
    fail(site, reference)
    assert found(failed) == []
    assert found() == []
    assert found(paid) == [("failed", "failed here, so no payment")]
    reopen(site, reference)
    pay(site, reference)
    fail(site, reference)
    assert found(paid, failed) == []


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ("payout", "UPDATE payout_line SET is_void = false"),
        ("payout", "UPDATE payout SET state = 'exported', failed_at = NULL, failure = NULL, paid_at = NULL"),
        ("paid out", "DELETE FROM transfer WHERE kind = 'payout_return'"),
        ("paid out", "UPDATE transfer SET amount_micros = amount_micros + 1 WHERE kind = 'payout_return'"),
        ("paid out", "UPDATE transfer SET business_key = NULL WHERE kind = 'payout_return'"),
        ("route", "UPDATE transfer SET kind = 'payout' WHERE kind = 'payout_return'"),
    ],
)
def test_the_check_finds_a_fault_in_returns(unit_of_work: UnitOfWork, rule: str, fault: str) -> None:
    site, reference = sent(unit_of_work)
    pay(site, reference)
    fail(site, reference)
    assert problems(site) == []

    def break_it(session: Session) -> None:
        session.execute(text(fault))

    unit_of_work.run(break_it)
    assert any(f"rule='{rule}'" in problem for problem in problems(site))
