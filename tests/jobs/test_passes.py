"""The passes over real work: what workers did is agreed on, what lapsed is open again, what passed a level is told."""

from sqlalchemy import select

from crowd_hitl.edge.house import House
from crowd_hitl.jobs.consuming import run_due
from crowd_hitl.services.assigning import claim
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.work_rows import AssignmentRow
from tests.jobs.test_running import jobs_of
from tests.services.published import a_batch, a_site, answer, later, problems


def test_what_is_answered_is_agreed_and_what_lapsed_is_open_again(house: House) -> None:
    site = a_site(house.uow, items=1, money=200_000)
    batch = a_batch(site, overlap_min=3, overlap_max=3, aggregator="majority_vote")
    # the passes look at the real clock: this lease is years old
    house.uow.run(claim, batch_id=batch.id, worker_id=site.workers[3], count=1, now=later(-1e8))
    run_due(house)
    states = house.uow.read(lambda session: session.scalars(select(AssignmentRow.state)).all())
    assert list(states) == ["expired"]

    for worker_id in site.workers[:3]:
        answer(site, batch, worker_id, "dog")
    run_due(house)
    labels = house.uow.read(lambda session: session.scalars(select(LabelRow.value)).all())
    assert list(labels) == ["dog"]
    ran = jobs_of(house)
    assert {ran["expire"].state, ran[f"agree:{batch.id}"].state} == {"done"}
    # nothing is left to do, and so nothing is run
    assert run_due(house) == 0
    assert problems(site) == []
