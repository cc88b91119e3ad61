"""What was charged to a budget, day by day, as rows of the FinOps FOCUS format (version 1.2)."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from crowd_hitl.domain.errors import NotFound
from crowd_hitl.domain.ledger import SPENDING, AccountKind, TransferKind
from crowd_hitl.domain.money import units
from crowd_hitl.services.balances import signed_amount
from crowd_hitl.store.account_rows import OrganisationRow
from crowd_hitl.store.money_rows import BudgetRow, LedgerAccountRow, TransferRow
from crowd_hitl.store.project_rows import ProjectRow
from crowd_hitl.store.work_rows import BatchRow, OfferRow

FOCUS_COLUMNS = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd",
    "ChargePeriodStart", "ConsumedQuantity", "ConsumedUnit", "ContractedCost", "ContractedUnitPrice", "EffectiveCost",
    "InvoiceIssuerName", "ListCost", "ListUnitPrice", "PricingCategory", "PricingQuantity", "PricingUnit",
    "ProviderName", "PublisherName", "RegionId", "RegionName", "ResourceId", "ResourceName", "ResourceType",
    "ServiceCategory", "ServiceName", "ServiceSubcategory", "SkuId", "SkuPriceId", "SubAccountId", "SubAccountName",
    "Tags",
)  # fmt: skip
PROVIDER = "crowd_hitl"
# kind → what it is, FOCUS's ChargeCategory and ChargeFrequency, the unit it is counted in
KINDS = {
    TransferKind.PAY: ("Pay for answers", "Usage", "Usage-Based", "Answers"),
    TransferKind.FEE: ("Channel fee for answers", "Usage", "Usage-Based", "Answers"),
    TransferKind.BONUS: ("Bonuses to workers", "Purchase", "One-Time", "Bonuses"),
    TransferKind.ADJUSTMENT: ("Adjustments to workers", "Adjustment", "One-Time", "Adjustments"),
    TransferKind.CLAWBACK: ("Earnings taken back from workers", "Adjustment", "One-Time", "Adjustments"),
}


def focus_rows(session: Session, *, budget_id: int) -> Iterator[dict[str, object]]:
    """Give one row for each day (UTC), batch and kind of charge; NotFound when there is no such budget."""
    budget = session.get(BudgetRow, budget_id)
    if budget is None:
        raise NotFound(f"There is no budget {budget_id}.")
    organisation = session.get_one(OrganisationRow, budget.organisation_id)
    account = {
        "BillingAccountId": organisation.id,
        "BillingAccountName": organisation.name,
        "BillingCurrency": budget.currency,
        "SubAccountId": f"budget-{budget.id}",
        "SubAccountName": budget.name,
    }
    charges = _charges(budget_id, is_sqlite=session.get_bind().dialect.name == "sqlite")
    for when, kind, each, batch_id, batch, project, channel, count in session.execute(charges):
        yield {
            **account,
            **_charge(TransferKind(kind), each_micros=each, count=count),
            **_periods(when if isinstance(when, date) else date.fromisoformat(when)),
            "PublisherName": channel or PROVIDER,
            "ResourceId": None if batch_id is None else f"batch-{batch_id}",
            "ResourceName": batch,
            "ResourceType": None if batch_id is None else "Batch",
            "Tags": None if project is None else f'{{"project": "{project}"}}',
        }


def _charges(
    budget_id: int, *, is_sqlite: bool
) -> Select[Any, str, int, int | None, str | None, str | None, str | None, int]:
    """Select what was charged: by price as well, as a FOCUS row has one unit price."""
    source, target = aliased(LedgerAccountRow), aliased(LedgerAccountRow)
    when = TransferRow.created_at
    # SQLite keeps UTC as it is; PostgreSQL would cut days where its own zone does.
    day = func.date(when if is_sqlite else func.timezone("UTC", when))
    own_batch = and_(source.kind == AccountKind.BATCH, BatchRow.budget_id == budget_id)
    own_extra = and_(source.kind == AccountKind.BUDGET, source.ref_id == budget_id)
    taken_back = and_(
        *(TransferRow.kind == TransferKind.CLAWBACK, target.kind == AccountKind.BUDGET, target.ref_id == budget_id)
    )
    return (
        select(
            day,
            TransferRow.kind,
            signed_amount(),
            BatchRow.id,
            BatchRow.name,
            ProjectRow.slug,
            OfferRow.channel,
            func.count(),
        )
        .select_from(TransferRow)
        .join(source, source.id == TransferRow.from_id)
        .join(target, target.id == TransferRow.to_id)
        .outerjoin(BatchRow, BatchRow.id == TransferRow.batch_id)
        .outerjoin(ProjectRow, ProjectRow.id == BatchRow.project_id)
        .outerjoin(OfferRow, and_(OfferRow.batch_id == BatchRow.id, OfferRow.ordinal == 0))
        .where(TransferRow.kind.in_(SPENDING), or_(own_batch, own_extra, taken_back))
        .group_by(
            day, TransferRow.kind, TransferRow.amount_micros, BatchRow.id, BatchRow.name, ProjectRow.slug,
            OfferRow.channel,
        )
        .order_by(day, TransferRow.kind, BatchRow.id, TransferRow.amount_micros)
    )  # fmt: skip


def _charge(kind: TransferKind, *, each_micros: int, count: int) -> dict[str, object]:
    about, category, frequency, unit = KINDS[kind]
    cost, price = units(each_micros * count), units(each_micros)
    usage = category == "Usage"
    priced = category != "Adjustment"
    return {
        "BilledCost": cost,
        "ContractedCost": cost,
        "EffectiveCost": cost,
        "ListCost": cost,
        "ChargeCategory": category,
        "ChargeDescription": about,
        "ChargeFrequency": frequency,
        "ConsumedQuantity": count if usage else None,
        "ConsumedUnit": unit if usage else None,
        "ContractedUnitPrice": price if priced else None,
        "ListUnitPrice": price if priced else None,
        "PricingCategory": "Standard" if priced else None,
        "PricingQuantity": count if priced else None,
        "PricingUnit": unit if priced else None,
        "InvoiceIssuerName": PROVIDER,
        "ProviderName": PROVIDER,
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": "Crowd labelling",
        "ServiceSubcategory": "Other (AI and Machine Learning)",
        "SkuId": kind.value if priced else None,
        "SkuPriceId": f"{kind.value}-{price}" if priced else None,
    }


def _periods(day: date) -> dict[str, object]:
    month = day.replace(day=1)
    next_month = (month + timedelta(days=32)).replace(day=1)
    return {
        "ChargePeriodStart": _moment(day),
        "ChargePeriodEnd": _moment(day + timedelta(days=1)),
        "BillingPeriodStart": _moment(month),
        "BillingPeriodEnd": _moment(next_month),
    }


def _moment(day: date) -> str:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
