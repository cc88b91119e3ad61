"""The charges against the rules of the FOCUS specification (1.2; 1.0 where it asks for more), written down from it.

Column presence, nullability, allowed values, numbers, currency and periods: the rules of each column's page.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.domain.sheets import csv_lines, read_csv
from crowd_hitl.services.balances import budget_balance
from crowd_hitl.services.charging import FOCUS_COLUMNS, focus_rows
from crowd_hitl.store.unit_of_work import UnitOfWork
from tests.services.published import Site
from tests.services.test_clawing_back import a_paid_site, take
from tests.services.test_paying_out import give

# 1.2 calls these mandatory; where a column may not be null, it is in NEVER_NULL too.
MANDATORY = {
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
}
# 1.0 asks for these without a condition, or under one that holds here.
ALSO_IN_1_0 = {
    "ChargeFrequency",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedUnitPrice",
    "ListUnitPrice",
    "PricingCategory",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "SkuId",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "Tags",
}
NEVER_NULL = {
    "BilledCost",
    "BillingAccountId",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
}
ALLOWED = {
    "ChargeCategory": {"Usage", "Purchase", "Tax", "Credit", "Adjustment"},
    "ChargeClass": {"Correction"},
    "ChargeFrequency": {"One-Time", "Recurring", "Usage-Based"},
    "PricingCategory": {"Standard", "Dynamic", "Committed", "Other"},
    "ServiceCategory": {"AI and Machine Learning"},
    "ServiceSubcategory": {
        *("Bots", "Generative AI", "Machine Learning", "Natural Language Processing"),
        "Other (AI and Machine Learning)",
    },
}
# A number has no sign for plus, no thousands, a point; a moment is in UTC to the second.
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE]-?[0-9]+)?")
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
NUMBERS = ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost", "ContractedUnitPrice", "ListUnitPrice",
           "PricingQuantity", "ConsumedQuantity")  # fmt: skip


def faults(row: dict[str, str]) -> list[str]:
    """List every rule that a row breaks."""
    found = [f"{name} is null" for name in NEVER_NULL if not row[name]]
    found += [f"{name} is {row[name]}" for name, known in ALLOWED.items() if row[name] and row[name] not in known]
    found += [f"{name} is no number: {row[name]}" for name in NUMBERS if row[name] and not NUMBER.fullmatch(row[name])]
    if not re.fullmatch("[A-Z]{3}", row["BillingCurrency"]):
        found.append("BillingCurrency is no ISO 4217 code")
    if row["Tags"] and not isinstance(json.loads(row["Tags"]), dict):
        found.append("Tags is no object")
    return [*found, *_faults_of_pricing(row), *_faults_of_periods(row)]


def _faults_of_pricing(row: dict[str, str]) -> list[str]:
    category, found = row["ChargeCategory"], []
    if category in ("Usage", "Purchase") and not row["ChargeClass"]:
        priced = ("PricingQuantity", "PricingUnit", "PricingCategory", "ListUnitPrice", "ContractedUnitPrice", "SkuId")
        found += [f"{name} is null for {category}" for name in priced if not row[name]]
    if bool(row["PricingQuantity"]) != bool(row["PricingUnit"]):
        found.append("a quantity without a unit, or a unit without a quantity")
    if bool(row["ConsumedQuantity"]) != (category == "Usage") or bool(row["ConsumedUnit"]) != (category == "Usage"):
        found.append("what is consumed is said for usage and nothing else")
    if category == "Purchase" and row["ChargeFrequency"] == "Usage-Based":
        found.append("a purchase is not usage-based")
    for price, cost in (("ListUnitPrice", "ListCost"), ("ContractedUnitPrice", "ContractedCost")):
        if row[price] and Decimal(row[price]) * Decimal(row["PricingQuantity"]) != Decimal(row[cost]):
            found.append(f"{price} times PricingQuantity is not {cost}")
        if row[price] and Decimal(row[price]) < 0:
            found.append(f"{price} is below nothing")
    return found


def _faults_of_periods(row: dict[str, str]) -> list[str]:
    names = ("BillingPeriodStart", "ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodEnd")
    if not all(MOMENT.fullmatch(row[name]) for name in names):
        return ["a period is not written as FOCUS writes moments"]
    since, start, end, until = (datetime.fromisoformat(row[name]) for name in names)
    if not since <= start < end <= until or end - start > timedelta(days=1):
        return ["the charge period is not a day within the billing period"]
    return [] if since.day == until.day == 1 and since.tzinfo == UTC else ["the billing period is no month"]


def a_charged_site(uow: UnitOfWork) -> Site:
    """Pay for answers, a bonus and an adjustment, and take some back, for a batch and without one."""
    site = a_paid_site(uow)
    give(site, "0.333333", key="adjust", kind=TransferKind.ADJUSTMENT)
    take(site, "0.07", batch_id=1)
    take(site, "0.02", key="without a batch")
    return site


def exported(uow: UnitOfWork, site: Site) -> list[dict[str, str]]:
    with uow.reading() as session:
        lines = list(csv_lines(focus_rows(session, budget_id=site.budget_id), columns=FOCUS_COLUMNS))
    return list(read_csv(lines, needed=FOCUS_COLUMNS))


def test_every_charge_keeps_the_rules_of_the_format(unit_of_work: UnitOfWork) -> None:
    site = a_charged_site(unit_of_work)
    rows = exported(unit_of_work, site)

    assert set(FOCUS_COLUMNS) >= MANDATORY | ALSO_IN_1_0
    assert len(set(FOCUS_COLUMNS)) == len(FOCUS_COLUMNS)
    assert {row["SkuId"] or row["ChargeDescription"] for row in rows} == {
        *("pay", "bonus", "Adjustments to workers", "Earnings taken back from workers")
    }
    assert [fault for row in rows for fault in faults(row)] == []
    spent = unit_of_work.read(budget_balance, budget_id=site.budget_id).spent_micros
    assert sum(Decimal(row["BilledCost"]) for row in rows) * 1_000_000 == spent


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("BilledCost", "1,000.00"),
        ("ChargeCategory", "Refund"),
        ("ChargeFrequency", "Usage based"),
        ("ServiceName", ""),
        ("BillingCurrency", "usd"),
        ("PricingQuantity", "3"),
        ("ConsumedUnit", ""),
        ("ChargePeriodEnd", "2027-01-01T00:00:00Z"),
        ("BillingPeriodStart", "2026-11-01"),
    ],
)
def test_the_rules_find_what_breaks_them(unit_of_work: UnitOfWork, column: str, value: str) -> None:
    site = a_charged_site(unit_of_work)
    row = next(row for row in exported(unit_of_work, site) if row["ChargeCategory"] == "Usage")
    assert faults(row) == []
    assert faults({**row, column: value}) != []
