"""Sittings: pages are paid together, hours by active time, rates by who answers; each is paid once."""

from datetime import date
from typing import Any

import pytest

from crowd_hitl.domain import fees
from crowd_hitl.domain.errors import BadInput, Conflict, NotFound
from crowd_hitl.domain.fees import CENT_MICROS, FeePart, FeeRule
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.services.assigning import expire, release
from crowd_hitl.services.balances import batch_balance, worker_earnings
from crowd_hitl.services.ending_sittings import end_idle_sittings, end_sitting
from crowd_hitl.services.offering import work_for
from crowd_hitl.services.paying import approve, reject
from crowd_hitl.services.publishing import close_batch
from crowd_hitl.services.reporting.money import cost_by_item
from crowd_hitl.store.account_rows import WorkerSkillRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import BatchRow
from tests.services.published import NOON, PRICE, Site, a_batch, a_site, later, problems, standing_answers
from tests.services.sat import answer_ids, available, claimed, moved, sittings, states, submitted

REASON = "All answers were the same."
HOURLY = 12_000_000


def a_page_batch(site: Site, **terms: Any) -> BatchRow:
    return a_batch(site, **{"page_size": 3, "overlap_min": 1, "overlap_max": 1, **terms})


def test_a_page_is_paid_with_one_transfer_when_its_last_answer_comes(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=3)
    batch = a_page_batch(site)
    page = claimed(site, batch)
    assert len(page) == 3

    submitted(site, page[0].assignment_id)
    submitted(site, page[1].assignment_id)
    assert moved(site) == []
    assert states(site) == ["submitted", "submitted", "leased"]
    assert problems(site) == []
    submitted(site, page[2].assignment_id)

    assert moved(site) == [("pay", 3 * PRICE)]
    assert [row.state for row in sittings(site)] == ["settled"]
    assert set(standing_answers(site).values()) == {1}
    assert problems(site) == []


@pytest.mark.parametrize("end", ["expire", "release"])
def test_a_page_whose_rest_is_given_back_is_paid_for_what_was_answered(unit_of_work: UnitOfWork, end: str) -> None:
    site = a_site(unit_of_work, items=3)
    batch = a_page_batch(site, lease_seconds=60)
    page = claimed(site, batch)
    submitted(site, page[0].assignment_id)

    if end == "expire":
        site.uow.run(expire, now=later(61))
    else:
        for offer in page[1:]:
            site.uow.run(release, assignment_id=offer.assignment_id, worker_id=site.workers[0], now=later(5))

    assert moved(site) == [("pay", PRICE)]
    assert problems(site) == []


def test_a_place_of_a_paid_page_that_is_taken_again_is_paid_by_itself(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=3)
    batch = a_page_batch(site, lease_seconds=60)
    page = claimed(site, batch)
    submitted(site, page[0].assignment_id)
    site.uow.run(expire, now=later(61))

    submitted(site, page[2].assignment_id, at=70)

    assert moved(site) == [("pay", PRICE), ("pay", PRICE)]
    assert problems(site) == []


def test_a_reviewed_page_is_paid_once_when_the_last_answer_is_decided(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=3)
    batch = a_page_batch(site, approval="manual")
    for offer in claimed(site, batch):
        submitted(site, offer.assignment_id)
    first, second, third = answer_ids(site)

    site.uow.run(approve, answer_id=first, decided_by=None)
    site.uow.run(approve, answer_id=third, decided_by=None)
    assert moved(site) == []
    assert problems(site) == []
    site.uow.run(reject, answer_id=second, reason=REASON, decided_by=None)

    assert moved(site) == [("pay", 2 * PRICE)]
    assert problems(site) == []


def test_a_closed_batch_keeps_the_money_of_a_half_decided_page(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=3)
    batch = a_page_batch(site, approval="manual")
    for offer in claimed(site, batch):
        submitted(site, offer.assignment_id)
    first, second, third = answer_ids(site)
    site.uow.run(approve, answer_id=first, decided_by=None)

    site.uow.run(close_batch, batch_id=batch.id, now=NOON)
    assert problems(site) == []
    site.uow.run(reject, answer_id=second, reason=REASON, decided_by=None)
    site.uow.run(approve, answer_id=third, decided_by=None)

    assert moved(site) == [("pay", 2 * PRICE)]
    assert available(site) == 100_000_000 - 2 * PRICE
    assert problems(site) == []


def test_the_cost_of_a_page_is_divided_over_its_answers_and_counted_as_answers(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=3)
    batch = a_page_batch(site, price_micros=100, hourly_micros=None)
    for offer in claimed(site, batch):
        submitted(site, offer.assignment_id)

    costs = site.uow.read(cost_by_item, item_ids=site.items)
    earned = site.uow.read(worker_earnings, worker_id=site.workers[0])

    assert costs == dict.fromkeys(site.items, 100)
    assert [answers for _, answers, _ in earned.by_day] == [3]


def test_time_is_paid_up_to_the_price_and_the_rest_goes_home(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=6)
    batch = a_batch(site, hourly_micros=HOURLY, overlap_min=1, overlap_max=1)
    first, second = claimed(site, batch, count=2)

    submitted(site, first.assignment_id, seconds=10, at=12)
    submitted(site, second.assignment_id, seconds=100, at=15)  # only 3 seconds went by
    (third,) = claimed(site, batch, at=16)
    sitting = sittings(site)[0]
    assert moved(site) == []
    ended = site.uow.run(end_sitting, sitting_id=sitting.id, worker_id=site.workers[0], now=later(20))

    assert len(sittings(site)) == 1
    assert (ended.state, ended.seconds) == ("settled", 13.0)
    assert moved(site) == [("pay", round(13 * HOURLY / 3600))]
    assert states(site) == ["approved", "approved", "released"]
    assert site.uow.read(batch_balance, batch_id=batch.id).held_micros == 4 * PRICE
    assert problems(site) == []
    assert third.price_micros == PRICE


@pytest.mark.parametrize(("seconds", "pay"), [(0, 1), (7.5, 25_000), (1000, PRICE)])
def test_an_hour_pays_something_and_never_more_than_the_price(
    unit_of_work: UnitOfWork, seconds: float, pay: int
) -> None:
    site = a_site(unit_of_work)
    batch = a_batch(site, hourly_micros=HOURLY, lease_seconds=2000)
    (offer,) = claimed(site, batch)
    submitted(site, offer.assignment_id, seconds=seconds, at=1000)

    site.uow.run(end_idle_sittings, now=later(3600))

    assert moved(site) == [("pay", pay)]
    assert problems(site) == []


def test_an_hour_ends_when_nothing_is_done_for_a_leases_time(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    batch = a_batch(site, hourly_micros=HOURLY, lease_seconds=60)
    (offer,) = claimed(site, batch)
    submitted(site, offer.assignment_id, seconds=5, at=10)

    assert site.uow.run(end_idle_sittings, now=later(69)) == 0
    assert site.uow.run(end_idle_sittings, now=later(70)) == 1
    assert site.uow.run(end_idle_sittings, now=later(71)) == 0
    claimed(site, batch, at=80)

    assert [row.state for row in sittings(site)] == ["settled", "open"]
    assert problems(site) == []


def test_only_ones_own_hour_can_be_ended_and_only_an_hour(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    claimed(site, a_batch(site, hourly_micros=HOURLY))
    claimed(site, a_batch(site, name="plain", items=site.items[:1]), 1)
    hour, plain = sittings(site)

    with pytest.raises(NotFound):
        site.uow.run(end_sitting, sitting_id=hour.id, worker_id=site.workers[1], now=NOON)
    with pytest.raises(Conflict):
        site.uow.run(end_sitting, sitting_id=plain.id, worker_id=site.workers[1], now=NOON)
    ended = site.uow.run(end_sitting, sitting_id=hour.id, worker_id=site.workers[0], now=later(1))

    assert ended.state == "lapsed"
    assert site.uow.run(end_sitting, sitting_id=hour.id, worker_id=site.workers[0], now=later(2)).state == "lapsed"
    assert problems(site) == []


def test_a_reviewed_hour_is_paid_for_what_was_approved(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    batch = a_batch(site, hourly_micros=HOURLY, approval="manual")
    for at, offer in enumerate(claimed(site, batch, count=2)):
        submitted(site, offer.assignment_id, seconds=6, at=6 + 6 * at)
    first, second = answer_ids(site)
    site.uow.run(end_idle_sittings, now=later(3600))
    assert sittings(site)[0].state == "submitted"

    site.uow.run(reject, answer_id=first, reason=REASON, decided_by=None, now=later(3700))
    site.uow.run(approve, answer_id=second, decided_by=None, now=later(3700))

    assert moved(site) == [("pay", 20_000)]
    assert problems(site) == []


def test_a_rate_is_shown_paid_and_the_rest_goes_home(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site, rates=[{"price_micros": 30_000, "requirement": {"not": {"skill_min": 0.9}}}])
    skilled = WorkerSkillRow(
        project_id=site.project_id, worker_id=site.workers[1], field="label", accuracy=0.95, answers=50,
        gold_seen=0, gold_right=0, updated_at=NOON,
    )  # fmt: skip
    site.uow.run(lambda session: session.add(skilled))

    plain, best = claimed(site, batch, 0)[0], claimed(site, batch, 1)[0]
    shown = [site.uow.read(work_for, worker_id=id_, now=NOON)[0].price_micros for id_ in site.workers[:2]]
    receipt = submitted(site, plain.assignment_id, 0)
    submitted(site, best.assignment_id, 1)

    assert (plain.price_micros, best.price_micros) == (30_000, PRICE)
    assert claimed(site, batch, 0)[0].price_micros == 30_000
    assert shown == [30_000, PRICE]
    assert receipt.earned_micros == 30_000
    assert moved(site) == [("pay", 30_000), ("pay", PRICE)]
    assert moved(site, TransferKind.RELEASE) == [("release", PRICE - 30_000)]
    assert problems(site) == []


@pytest.mark.parametrize(
    ("field", "terms"),
    [
        ("page_size", {"page_size": 51}),
        ("hourly", {"hourly_micros": 0}),
        ("hourly", {"hourly_micros": 1, "page_size": 2}),
        ("rates", {"rates": [{"price_micros": PRICE + 1, "requirement": {}}]}),
        ("rates", {"rates": [{"price_micros": 1, "requirement": {"skill": 1}}]}),
        ("compensation_share", {"compensation_share": 1.5}),
    ],
)
def test_terms_of_pay_that_cannot_be_kept_are_refused_by_name(
    unit_of_work: UnitOfWork, field: str, terms: dict[str, Any]
) -> None:
    site = a_site(unit_of_work)

    with pytest.raises(BadInput) as refused:
        a_batch(site, **terms)

    assert refused.value.problems[0].field == field


def test_a_fee_goes_down_with_the_pay(unit_of_work: UnitOfWork, monkeypatch: pytest.MonkeyPatch) -> None:
    takes = FeeRule("inhouse", date(2020, 1, 1), None, parts=(FeePart("a fifth", 2_000),), round_micros=CENT_MICROS)
    monkeypatch.setattr(fees, "TABLE", (takes,))
    site = a_site(unit_of_work, items=2)
    rates = [{"price_micros": 100_000, "requirement": {}}]
    batch = a_batch(site, price_micros=200_000, page_size=2, overlap_min=1, overlap_max=1, rates=rates)
    assert batch.fee_micros == 40_000
    for offer in claimed(site, batch):
        submitted(site, offer.assignment_id)

    assert moved(site) == [("pay", 200_000), ("fee", 40_000)]
    assert available(site) == 100_000_000 - 240_000
    assert problems(site) == []
