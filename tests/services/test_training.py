"""What a loop teaches and keeps: impartial references, a random share, soft labels, models that can be proved."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from crowd_hitl.services.publishing import close_batch
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.loop_rows import ChoiceRow, ModelVersionRow, PredictionRow, RoundRow
from crowd_hitl.store.project_rows import GoldRow, ItemRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import BatchRow
from tests.services.looped import Circuit, NotedLearner, a_circuit
from tests.services.published import answer, problems

MODELS = select(
    ModelVersionRow.data_key, ModelVersionRow.data_sha256, ModelVersionRow.model_key, ModelVersionRow.model_sha256
).order_by(ModelVersionRow.number)


def keys_of(circuit: Circuit, *purposes: str) -> set[str]:
    """Name the items that rounds of these purposes chose."""
    chosen = select(ItemRow.key).join(ChoiceRow, ChoiceRow.item_id == ItemRow.id)
    return set(
        circuit.rows(chosen.join(RoundRow, RoundRow.id == ChoiceRow.round_id).where(RoundRow.purpose.in_(purposes)))
    )


def test_references_become_gold_and_no_model_learns_from_them_or_from_audits(
    unit_of_work: UnitOfWork, tmp_path: Path
) -> None:
    learner = NotedLearner(wrong=frozenset({"k30", "k31", "k32", "k33"}))
    policy = {"looks": 2, "audit_items": 8, "max_error": 0.05, "rounds_max": 1}
    circuit = a_circuit(unit_of_work, tmp_path, learner=learner, policy=policy)

    circuit.run(until=lambda step: step.phase == "confirm")
    audited, lessons = keys_of(circuit, "audit"), len(learner.lessons)
    circuit.run()

    gold = circuit.rows(select(ItemRow.key, GoldRow.source).join(GoldRow, GoldRow.item_id == ItemRow.id))
    assert {key for key, _ in gold} == keys_of(circuit, "reference") and {source for _, source in gold} == {"bought"}
    taught = {key for lesson in learner.lessons for key in lesson}
    assert taught.isdisjoint(keys_of(circuit, "reference"))
    afterwards = {key for lesson in learner.lessons[lessons:] for key in lesson}
    assert afterwards, "an audit that failed was to be followed by lessons"
    assert afterwards.isdisjoint(audited)
    assert circuit.rows(select(ModelVersionRow.gold_seen, ModelVersionRow.gold_right))[0] == (4, 4)


def test_labels_teach_with_their_confidence(unit_of_work: UnitOfWork, tmp_path: Path) -> None:
    learner = NotedLearner()
    circuit = a_circuit(unit_of_work, tmp_path, learner=learner)
    circuit.run(until=lambda step: (step.round_number == 1 and step.phase != "learn") or step.round_number == 2)

    # the first is the model's; those after it are of models that say what the pass may weigh
    targets, lesson = learner.targets[0], learner.lessons[0]
    labels = select(ItemRow.key, LabelRow.value, LabelRow.confidence).join(LabelRow, LabelRow.item_id == ItemRow.id)
    known = {key: (value, confidence) for key, value, confidence in circuit.rows(labels)}
    for key, row in zip(lesson, targets, strict=True):
        value, confidence = known[key]
        assert row.sum() == pytest.approx(1) and row[("cat", "dog").index(value)] == pytest.approx(confidence)
    assert np.all(targets.max(axis=1) < 1)


def test_every_learn_round_has_a_random_share_with_its_propensities(unit_of_work: UnitOfWork, tmp_path: Path) -> None:
    circuit = a_circuit(unit_of_work, tmp_path, policy={"rounds_max": 3})
    circuit.run(until=lambda step: step.phase == "doubtful")

    chosen = select(RoundRow.number, ChoiceRow.reason, ChoiceRow.propensity)
    rows = circuit.rows(chosen.join(ChoiceRow, ChoiceRow.round_id == RoundRow.id).where(RoundRow.purpose == "learn"))
    by_round = {number: sorted((reason, p) for n, reason, p in rows if n == number) for number, _, _ in rows}
    pools = {1: 36, 2: 28, 3: 20}
    assert by_round.keys() == pools.keys()
    assert by_round[1] == [("random", pytest.approx(8 / 36))] * 8
    for number in (2, 3):
        assert [reason for reason, _ in by_round[number]] == ["margin"] * 6 + ["random"] * 2
        assert [p for _, p in by_round[number][:6]] == [1.0] * 6
        assert [p for _, p in by_round[number][6:]] == [pytest.approx(2 / (pools[number] - 6))] * 2


@pytest.mark.parametrize("round_items", [1, 2])
def test_the_smallest_round_has_its_random_item_too(unit_of_work: UnitOfWork, tmp_path: Path, round_items: int) -> None:
    circuit = a_circuit(unit_of_work, tmp_path, items=12, policy={"round_items": round_items})
    circuit.run(until=lambda step: step.round_number == 3)

    for number in (1, 2):
        chosen = select(ChoiceRow.reason).join(RoundRow, RoundRow.id == ChoiceRow.round_id)
        assert "random" in circuit.rows(chosen.where(RoundRow.number == number))


def test_the_least_certain_items_are_asked_first(unit_of_work: UnitOfWork, tmp_path: Path) -> None:
    """The model is the less sure the higher an item's number."""
    circuit = a_circuit(unit_of_work, tmp_path)
    circuit.run(until=lambda step: step.round_number == 2)

    learned = select(ItemRow.id).join(ChoiceRow, ChoiceRow.item_id == ItemRow.id).join(RoundRow)
    before = set(circuit.rows(learned.where(RoundRow.number < 2)))
    asked = circuit.rows(learned.where(RoundRow.number == 2, ChoiceRow.reason == "margin"))
    assert sorted(asked) == sorted(set(circuit.site.items) - before)[-6:]


def test_every_model_version_names_bytes_that_are_there_and_match(unit_of_work: UnitOfWork, tmp_path: Path) -> None:
    circuit = a_circuit(unit_of_work, tmp_path)
    circuit.run()

    versions = circuit.rows(MODELS)
    assert len(versions) == 3
    for data_key, data_sha256, model_key, model_sha256 in versions:
        assert hashlib.sha256(stored(circuit, data_key)).hexdigest() == data_sha256
        assert hashlib.sha256(stored(circuit, model_key)).hexdigest() == model_sha256
    trained_on = circuit.rows(select(ModelVersionRow.trained_on).order_by(ModelVersionRow.number))
    assert trained_on == [len(json.loads(stored(circuit, key))) for key, *_ in versions] == [8, 16, 24]


def stored(circuit: Circuit, key: str) -> bytes:
    """Read what the storage holds under a key."""
    with circuit.storage.open(key) as stream:
        return stream.read()


def test_every_item_people_have_not_labelled_is_predicted(unit_of_work: UnitOfWork, tmp_path: Path) -> None:
    circuit = a_circuit(unit_of_work, tmp_path)
    circuit.run(until=lambda step: step.round_number == 2)

    predicted = circuit.rows(select(PredictionRow.item_id))
    labelled = circuit.rows(select(LabelRow.item_id))
    assert sorted([*predicted, *labelled]) == circuit.site.items
    assert problems(circuit.site) == []


def test_a_round_in_which_nothing_was_agreed_teaches_nothing_and_the_loop_goes_on(
    unit_of_work: UnitOfWork, tmp_path: Path
) -> None:
    circuit = a_circuit(unit_of_work, tmp_path, gold=6)
    step = circuit.run(until=lambda step: step.waiting)
    assert step.batch_id is not None

    batch = unit_of_work.read(lambda session: session.get(BatchRow, step.batch_id))
    assert batch is not None and answer(circuit.site, batch, circuit.site.workers[0]) is not None
    unit_of_work.run(close_batch, batch_id=batch.id)
    circuit.run(until=lambda step: step.round_number == 1)

    assert circuit.rows(select(RoundRow.human_labels).where(RoundRow.number == 0)) == [1]
    assert circuit.run().stopped == "promise"
