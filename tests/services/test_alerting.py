"""A budget speaks at 50, 80 and 95% of its money, once each; a top-up arms it again."""

from random import Random

import pytest
from sqlalchemy import select

from crowd_hitl.domain import fees
from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.fees import FeePart, FeeRule
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.services.alerting import alerts_of, raise_alerts
from crowd_hitl.services.balances import batch_balance
from crowd_hitl.services.charging import FOCUS_COLUMNS, focus_rows
from crowd_hitl.services.paying import top_up
from crowd_hitl.services.publishing import BatchRequest, close_batch, publish_batch, quote_batch
from crowd_hitl.services.rewarding import Reward, reward
from crowd_hitl.store.payout_rows import BudgetAlertRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from tests.services.published import NOON, PRICE, Site, a_batch, a_site, answer, problems


def levels(site: Site) -> list[int]:
    return [one.percent for one in site.uow.read(alerts_of, budget_ids=[site.budget_id])[site.budget_id]]


def test_publishing_and_the_pass_write_each_level_once(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=5, money=20 * PRICE)
    a_batch(site, limit=4)  # 8 of 20
    assert levels(site) == []
    batch = a_batch(site, name="second", limit=1, overlap_min=2)  # 10 of 20
    assert levels(site) == [50]

    given = Reward(TransferKind.BONUS, worker_id=site.workers[0], amount_micros=9 * PRICE, reason="Good work")
    unit_of_work.run(reward, budget_id=site.budget_id, given=given, key="k", now=NOON)
    assert levels(site) == [50, 80, 95]
    assert unit_of_work.run(raise_alerts, now=NOON) == []

    unit_of_work.run(close_batch, batch_id=batch.id, now=NOON)  # 17 of 20
    assert levels(site) == [50, 80]
    unit_of_work.run(top_up, budget_id=site.budget_id, amount_micros=2 * PRICE, key=None, note=None, now=NOON)
    assert levels(site) == []
    assert [row.percent for row in unit_of_work.run(raise_alerts, now=NOON)] == [50]
    with unit_of_work.reading() as session:
        assert sorted(session.scalars(select(BudgetAlertRow.percent))) == [50, 50, 80, 95]
    assert problems(site) == []


def test_a_channels_fee_is_quoted_reserved_paid_and_exported(
    unit_of_work: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = FeeRule("inhouse", NOON.date(), None, parts=(FeePart("desk", 1_000),), minimum_micros=10_000)
    monkeypatch.setattr(fees, "TABLE", (rule,))
    site = a_site(unit_of_work, items=2)
    request = BatchRequest(name="b", budget_id=site.budget_id, price_micros=PRICE, overlap_min=2, overlap_max=3)

    quote = unit_of_work.read(quote_batch, project_id=site.project_id, request=request, now=NOON)
    batch = unit_of_work.run(publish_batch, project_id=site.project_id, request=request, random=Random(1), now=NOON)
    answer(site, batch, site.workers[0])
    given = Reward(
        TransferKind.BONUS, worker_id=site.workers[0], amount_micros=250_000, reason="Good work", batch_id=batch.id
    )
    unit_of_work.run(reward, budget_id=site.budget_id, given=given, key="k", now=NOON)

    assert (quote.minimum_micros, quote.maximum_micros, quote.fees_micros) == (300_000, 420_000, 50_000)
    balance = unit_of_work.read(batch_balance, batch_id=batch.id)
    assert (balance.paid_micros, balance.fees_micros, balance.extras_micros) == (50_000, 10_000, 250_000)
    assert balance.held_micros == 240_000  # three places, and one answer that may come late
    with unit_of_work.reading() as session:
        rows = list(focus_rows(session, budget_id=site.budget_id))
    costs = [(row["ChargeCategory"], row["BilledCost"], row["PricingQuantity"], row["ResourceId"]) for row in rows]
    assert costs == [
        ("Purchase", "0.25", 1, "batch-1"),
        ("Usage", "0.01", 1, "batch-1"),
        ("Usage", "0.05", 1, "batch-1"),
    ]
    assert all(set(row) <= set(FOCUS_COLUMNS) for row in rows)
    assert (rows[0]["BillingPeriodStart"], rows[0]["BillingPeriodEnd"]) == (
        "2026-11-01T00:00:00Z",
        "2026-12-01T00:00:00Z",
    )
    assert problems(site) == []


def test_another_channel_can_be_priced_but_not_published(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    request = BatchRequest(
        name="b", budget_id=site.budget_id, price_micros=PRICE, overlap_min=2, overlap_max=2, channel="mturk"
    )
    quote = unit_of_work.read(quote_batch, project_id=site.project_id, request=request, now=NOON)
    assert (quote.minimum_micros, quote.fees_micros) == (300_000, 50_000)
    with pytest.raises(BadInput, match="channel: expected inhouse"):
        unit_of_work.run(publish_batch, project_id=site.project_id, request=request, random=Random(1), now=NOON)
