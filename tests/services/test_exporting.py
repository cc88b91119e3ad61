"""What comes out: every current label once with what it cost, and every answer."""

import csv
import json
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any

import pytest
from sqlalchemy import Update, func, select, update
from sqlalchemy.orm import Session

from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.plugins.formats.csv import plugin as csv_items
from crowd_hitl.plugins.label_formats.csv import plugin as csv_labels
from crowd_hitl.plugins.label_formats.jsonl import plugin as jsonl_labels
from crowd_hitl.services import exporting
from crowd_hitl.services.exporting import answer_rows, label_rows
from crowd_hitl.services.paying import Movement, reject, transfer
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.money_rows import TransferRow
from crowd_hitl.store.project_rows import ItemRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AnswerRow, BatchRow
from tests.services.published import NOON, Site, a_batch, a_site, answer


def exported(site: Site, *, after: int = 0) -> list[dict[str, Any]]:
    with site.uow.reading() as session:
        return list(label_rows(session, project_id=site.project_id, after=after))


def answers(site: Site) -> list[dict[str, Any]]:
    with site.uow.reading() as session:
        return list(answer_rows(session, project_id=site.project_id))


def a_label(item_id: int, *, project_id: int, **other: Any) -> LabelRow:
    known = {
        "field": "label",
        "version": 1,
        "state": "current",
        "value": "cat",
        "confidence": 0.9,
        "source": "consensus",
        "votes": 2,
        "created_at": NOON,
    }
    return LabelRow(item_id=item_id, project_id=project_id, **{**known, **other})


def label(site: Site, item_id: int, **other: Any) -> None:
    def add(session: Session) -> None:
        session.add(a_label(item_id, project_id=site.project_id, **other))

    site.uow.run(add)


def change(session: Session, *, statement: Update) -> None:
    session.execute(statement)


def a_fee(session: Session, *, batch: BatchRow, amount_micros: int) -> None:
    paid = select(TransferRow.sitting_id).where(TransferRow.kind == "pay").order_by(TransferRow.id).limit(1)
    movement = Movement(
        kind=TransferKind.FEE,
        source=batch.id,
        target=batch.id,
        amount_micros=amount_micros,
        currency="USD",
        batch_id=batch.id,
        sitting_id=session.scalars(paid).one(),
    )
    transfer(session, movement, now=NOON)


def test_a_label_tells_where_it_came_from(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    label(site, site.items[0], confidence=0.875, votes=3, version=2)

    assert exported(site) == [
        {
            "key": "k0",
            "field": "label",
            "value": "cat",
            "confidence": 0.875,
            "source": "consensus",
            "cost": "0.00",
            "votes": 3,
            "model_version": None,
            "round": None,
            "version": 2,
            "created_at": "2026-11-22T12:00:00+00:00",
            "text": "text 0",
        }
    ]


def test_only_the_current_version_is_exported_in_the_order_of_the_items(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=3)
    label(site, site.items[2], value="dog")
    label(site, site.items[0], value="dog", state="superseded")
    label(site, site.items[0], value="cat", version=2)

    assert [(row["key"], row["value"]) for row in exported(site)] == [("k0", "cat"), ("k2", "dog")]
    assert [row["key"] for row in exported(site, after=site.items[0])] == ["k2"]


@pytest.mark.parametrize("chunk_rows", [1, 2, 3])
def test_chunks_may_end_between_two_fields_of_an_item(
    unit_of_work: UnitOfWork, monkeypatch: pytest.MonkeyPatch, chunk_rows: int
) -> None:
    monkeypatch.setattr(exporting, "CHUNK_ROWS", chunk_rows)
    site = a_site(unit_of_work, items=3)
    for item_id in site.items:
        for field in ("colour", "label"):
            label(site, item_id, field=field)

    expected = [(f"k{n}", field) for n in range(3) for field in ("colour", "label")]
    assert [(row["key"], row["field"]) for row in exported(site)] == expected


def test_another_projects_labels_are_not_exported(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    label(site, site.items[0])

    with unit_of_work.reading() as session:
        assert list(label_rows(session, project_id=site.project_id + 1)) == []
        assert list(answer_rows(session, project_id=site.project_id + 1)) == []


def test_the_cost_is_what_all_batches_paid_for_the_item(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2, workers=4)
    for name, workers in (("first", site.workers[:2]), ("second", site.workers[2:])):
        batch = a_batch(site, name=name, items=site.items[:1], price_micros=33_333)
        for worker_id in workers:
            assert answer(site, batch, worker_id)
    for item_id in site.items:
        label(site, item_id)

    assert [row["cost"] for row in exported(site)] == ["0.133332", "0.00"]


def test_the_costs_of_all_labels_are_the_ledgers_payments_and_fees(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=3)
    batch = a_batch(site)
    for worker_id in site.workers[:2]:
        for _ in site.items:
            assert answer(site, batch, worker_id)
    unit_of_work.run(a_fee, batch=batch, amount_micros=1)
    for item_id in site.items:
        label(site, item_id)

    paid = select(func.sum(TransferRow.amount_micros)).where(TransferRow.kind.in_(["pay", "fee"]))
    with unit_of_work.reading() as session:
        spent = int(session.scalars(paid).one())
    assert spent == 6 * 50_000 + 1
    assert sum(Decimal(row["cost"]) for row in exported(site)) * 1_000_000 == spent


def test_a_rejected_answer_costs_nothing_and_is_exported_as_rejected(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, approval="manual")
    receipt = answer(site, batch, site.workers[0])
    assert receipt is not None
    unit_of_work.run(reject, answer_id=receipt.answer_id, reason="It is plainly a dog.", decided_by=None, now=NOON)
    label(site, site.items[0])

    assert exported(site)[0]["cost"] == "0.00"
    assert [row["state"] for row in answers(site)] == ["rejected"]


def test_every_answer_is_exported_as_task_worker_label(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site)
    answer(site, batch, site.workers[0], "cat")
    answer(site, batch, site.workers[1], "dog")

    assert answers(site) == [
        {
            "task": "k0",
            "worker": worker,
            "label": value,
            "batch": batch.id,
            "gold": False,
            "state": "approved",
            "seconds": 0.0,
            "submitted_at": "2026-11-22T12:00:00+00:00",
        }
        for worker, value in (("W1", "cat"), ("W2", "dog"))
    ]


def test_a_field_called_like_a_column_does_not_hide_it(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    answer(site, a_batch(site), site.workers[0])
    unit_of_work.run(change, statement=update(AnswerRow).values(value={"worker": "x"}))

    (row,) = answers(site)
    assert (row["worker"], row["value.worker"]) == ("W1", "x")


def test_both_formats_write_what_is_exported(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    unit_of_work.run(change, statement=update(ItemRow).values(text="=HYPERLINK(1)"))
    for item_id in site.items:
        label(site, item_id)
    rows = exported(site)

    assert [json.loads(line) for line in "".join(jsonl_labels.write(rows)).splitlines()] == rows
    written = "".join(csv_labels.write(rows))
    assert [row["text"] for row in csv.DictReader(StringIO(written))] == ["'=HYPERLINK(1)"] * 2
    assert [getattr(one, "text", None) for one in csv_items.read(BytesIO(written.encode()))] == ["=HYPERLINK(1)"] * 2
