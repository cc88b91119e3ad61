"""The promise: counted against what was frozen, extended by adding up, and only when kept the model's way in."""

from pathlib import Path

import pytest
from sqlalchemy import select

from crowd_hitl.domain.rounds import Promise
from crowd_hitl.plugins.certifiers.finite_pool import plugin as certifier
from crowd_hitl.services.balances import budget_balance
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.loop_rows import CertificateRow, ChoiceRow, ModelVersionRow, PredictionRow, RoundRow
from crowd_hitl.store.project_rows import ItemRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from tests.services.looped import POLICY, NotedLearner, a_circuit, truth_of
from tests.services.published import a_batch, problems

COUNTS = select(
    CertificateRow.pool, CertificateRow.audited, CertificateRow.errors, CertificateRow.looks, CertificateRow.kept
).order_by(CertificateRow.id)
MODEL_LABELS = select(LabelRow).where(LabelRow.source == "model")
FROZEN = select(ItemRow.key, ChoiceRow.frozen_value, RoundRow.number).join(ChoiceRow, ChoiceRow.item_id == ItemRow.id)
FROZEN = FROZEN.join(RoundRow, RoundRow.id == ChoiceRow.round_id).where(RoundRow.purpose == "audit")


def test_no_model_label_gets_in_before_a_certificate_and_each_carries_it(
    unit_of_work: UnitOfWork, tmp_path: Path
) -> None:
    circuit = a_circuit(unit_of_work, tmp_path)
    circuit.run(until=lambda step: step.phase == "confirm")
    assert circuit.rows(MODEL_LABELS) == []

    circuit.run()

    (certificate,) = circuit.rows(select(CertificateRow))
    accepted = circuit.rows(MODEL_LABELS)
    assert certificate.kept and len(accepted) == certificate.accepted == 4
    assert {label.certificate_id for label in accepted} == {certificate.id}
    newest = circuit.rows(select(ModelVersionRow.id).order_by(ModelVersionRow.number))[-1]
    assert {label.model_version_id for label in accepted} == {certificate.model_version_id} == {newest}
    let_in = select(PredictionRow.item_id).where(PredictionRow.route == "accept")
    assert sorted(circuit.rows(let_in)) == sorted(label.item_id for label in accepted)


def test_a_certificate_that_is_not_kept_lets_nothing_in(unit_of_work: UnitOfWork, tmp_path: Path) -> None:
    wrong = frozenset(f"k{n}" for n in range(40))
    policy = {"looks": 1, "max_error": 0.05}
    circuit = a_circuit(unit_of_work, tmp_path, learner=NotedLearner(wrong=wrong), policy=policy)

    step = circuit.run()

    assert step.stopped == "exhausted"
    assert circuit.rows(select(CertificateRow.kept)) == [False]
    assert circuit.rows(MODEL_LABELS) == []


def test_an_audit_counts_what_people_say_against_what_was_frozen(unit_of_work: UnitOfWork, tmp_path: Path) -> None:
    """The model is wrong on half the items; those that people have labelled by then are right."""
    wrong = frozenset(f"k{n}" for n in range(20, 40))
    policy = {"looks": 1, "rounds_max": 1, "max_error": 0.01}
    circuit = a_circuit(unit_of_work, tmp_path, learner=NotedLearner(wrong=wrong), policy=policy)
    circuit.run(until=lambda step: step.phase == "certify" or step.round_number == 6)

    frozen = circuit.rows(FROZEN)
    errors = [key for key, value, _ in frozen if value != truth_of(key)]
    assert errors and set(errors) <= wrong
    assert circuit.rows(COUNTS) == [(36, 24, len(errors), 1, False)]
    mended = select(ItemRow.key, LabelRow.value).join(LabelRow, LabelRow.item_id == ItemRow.id)
    now = dict(circuit.rows(mended.where(LabelRow.state == "current")))
    assert all(now[key] == truth_of(key) for key in errors)


def test_an_extension_adds_up_with_the_audit_it_extends(unit_of_work: UnitOfWork, tmp_path: Path) -> None:
    policy = {"audit_items": 8, "audit_step": 14, "looks": 3, "max_error": 0.16}
    circuit = a_circuit(unit_of_work, tmp_path, policy=policy)

    assert circuit.run().stopped == "promise"

    assert circuit.rows(COUNTS) == [(36, 8, 0, 1, False), (36, 22, 0, 2, True)]
    purposes = circuit.rows(select(RoundRow.purpose).order_by(RoundRow.number))
    assert purposes[-4:] == ["audit", "confirm", "audit", "confirm"]
    audited = [key for key, _, _ in circuit.rows(FROZEN)]
    assert len(audited) == len(set(audited)) == 22
    bounds = circuit.rows(select(CertificateRow.bound).order_by(CertificateRow.id))
    promise = Promise(0.16, POLICY.delta)
    assert bounds == [
        pytest.approx(certifier.certify(pool=36, audited=audited, errors=0, promise=promise, looks=3).bound)
        for audited in (8, 22)
    ]


def test_what_an_audit_could_not_settle_counts_as_wrong_and_as_not_mended(
    unit_of_work: UnitOfWork, tmp_path: Path
) -> None:
    """One worker alone cannot settle anything: even an audit of every single item proves nothing."""
    circuit = a_circuit(unit_of_work, tmp_path, workers=1, policy={"audit_items": 40})

    assert circuit.run().stopped == "exhausted"

    # the references are in the pool, too: one worker could not settle them either
    assert circuit.rows(COUNTS)[0] == (40, 40, 40, 1, False)
    assert circuit.rows(select(CertificateRow.bound))[0] == 1.0
    assert circuit.rows(MODEL_LABELS) == []


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
def test_a_team_smaller_than_the_reference_overlap_does_not_get_stuck(
    unit_of_work: UnitOfWork, tmp_path: Path, workers: int
) -> None:
    """Gold that everybody has seen cannot be shown to anybody any more."""
    circuit = a_circuit(unit_of_work, tmp_path, workers=workers, policy={"gold_rate": 0.5})

    assert circuit.run().stopped in ("promise", "exhausted")

    assert problems(circuit.site) == []


def test_an_audit_that_was_paid_for_is_counted_when_nothing_is_left_to_confirm_it(
    unit_of_work: UnitOfWork, tmp_path: Path
) -> None:
    learner = NotedLearner(wrong=frozenset(f"k{n}" for n in range(20, 40)))
    policy = {"audit_items": 36, "rounds_max": 1, "max_error": 0.001}
    circuit = a_circuit(unit_of_work, tmp_path, learner=learner, policy=policy)
    circuit.run(until=lambda step: step.phase == "confirm")
    left = unit_of_work.read(budget_balance, budget_id=circuit.site.budget_id).available_micros
    a_batch(circuit.site, items=circuit.site.items[:1], price_micros=left, overlap_min=1, overlap_max=1)

    assert circuit.run().stopped == "promise"

    ((pool, audited, errors, looks, kept),) = circuit.rows(COUNTS)
    assert (pool, audited, looks, kept) == (36, 36, 1, True) and errors > 0
    assert circuit.rows(select(RoundRow.answers).where(RoundRow.purpose == "confirm")) == [0]
    assert problems(circuit.site) == []
