"""Places are handed out exactly: never beyond the overlap, never twice to one worker, never lost."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from crowd_hitl.domain.errors import BadInput, NotFound
from crowd_hitl.services.answering import Submission, submit
from crowd_hitl.services.assigning import claim, expire, release
from crowd_hitl.services.publishing import close_batch, pause_batch
from crowd_hitl.services.showing import Offered
from crowd_hitl.store.unit_of_work import UnitOfWork
from tests.services.published import NOON, QUESTIONS, Site, a_batch, a_site, answer, later, problems, standing_answers


def claimed(site: Site, batch_id: int, worker: int, *, count: int = 1, seconds: float = 0) -> list[Offered]:
    return site.uow.run(claim, batch_id=batch_id, worker_id=site.workers[worker], count=count, now=later(seconds))


def test_a_task_is_never_leased_beyond_its_overlap(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, overlap_min=2, overlap_max=2)

    assert len(claimed(site, batch.id, 0)) == 1
    assert len(claimed(site, batch.id, 1)) == 1

    assert claimed(site, batch.id, 2) == []
    assert problems(site) == []


def test_a_worker_has_one_voice_on_an_item_over_all_batches(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    first, second = a_batch(site), a_batch(site, items=site.items, name="again")

    assert answer(site, first, site.workers[0]) is not None

    assert claimed(site, second.id, 0) == []
    assert len(claimed(site, second.id, 1)) == 1


def test_several_places_are_claimed_at_once_and_a_repeated_claim_shows_the_same(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=3)
    batch = a_batch(site)

    first = claimed(site, batch.id, 0, count=2)
    again = claimed(site, batch.id, 0, count=2)

    assert len({offer.task_id for offer in first}) == 2
    assert again == first


def test_a_released_place_goes_to_others_first_and_back_when_nobody_else_can(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site, overlap_min=1, overlap_max=1)
    offer = claimed(site, batch.id, 0)[0]

    site.uow.run(release, assignment_id=offer.assignment_id, worker_id=site.workers[0], now=later(1))

    other = claimed(site, batch.id, 0, seconds=2)[0]
    assert other.task_id != offer.task_id
    assert answer(site, batch, site.workers[0], at=later(3)) is not None
    assert claimed(site, batch.id, 0, seconds=4)[0].task_id == offer.task_id
    assert problems(site) == []


def test_a_claim_takes_over_the_place_of_a_lapsed_lease_without_any_sweep(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, overlap_min=1, overlap_max=1, lease_seconds=60)
    claimed(site, batch.id, 0)

    assert claimed(site, batch.id, 1, seconds=59) == []
    assert len(claimed(site, batch.id, 1, seconds=61)) == 1
    assert problems(site) == []


def test_a_sweep_reopens_lapsed_leases_once(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site, lease_seconds=60)
    claimed(site, batch.id, 0, count=2)

    assert site.uow.run(expire, now=later(61)) == 2
    assert site.uow.run(expire, now=later(61)) == 0
    assert problems(site) == []


def test_an_answer_to_a_lapsed_lease_counts_while_its_place_is_open(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, overlap_min=1, overlap_max=1, lease_seconds=60)
    offer = claimed(site, batch.id, 0)[0]
    site.uow.run(expire, now=later(61))

    from_lapsed = answer_to(site, offer, worker=0, seconds=70)

    assert from_lapsed == offer.assignment_id
    assert set(standing_answers(site).values()) == {1}
    assert problems(site) == []


def test_an_answer_to_a_lapsed_lease_is_late_and_not_counted_once_somebody_has_the_place(
    unit_of_work: UnitOfWork,
) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, overlap_min=1, overlap_max=1, lease_seconds=60)
    offer = claimed(site, batch.id, 0)[0]
    claimed(site, batch.id, 1, seconds=61)

    answer_to(site, offer, worker=0, seconds=70)

    assert standing_answers(site) == {}
    assert problems(site) == []


def test_a_paused_batch_hands_out_nothing(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    batch = a_batch(site)
    site.uow.run(pause_batch, batch_id=batch.id, now=NOON)

    assert claimed(site, batch.id, 0) == []


def test_a_released_place_of_a_closed_batch_gives_its_money_back(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site)
    offer = claimed(site, batch.id, 0)[0]
    site.uow.run(close_batch, batch_id=batch.id, now=later(1))

    site.uow.run(release, assignment_id=offer.assignment_id, worker_id=site.workers[0], now=later(2))

    assert problems(site) == []


def test_nobody_releases_what_somebody_else_holds(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    batch = a_batch(site)
    offer = claimed(site, batch.id, 0)[0]

    with pytest.raises(NotFound):
        site.uow.run(release, assignment_id=offer.assignment_id, worker_id=site.workers[1], now=NOON)


def test_a_claim_of_no_places_is_refused_with_the_range(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    batch = a_batch(site)

    with pytest.raises(BadInput, match="1 to 10"):
        claimed(site, batch.id, 0, count=0)


def test_gold_is_mixed_in_unseen_and_never_shown_beyond_its_views(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=8, gold=4)
    batch = a_batch(site, gold_rate=0.25)

    offers = claimed(site, batch.id, 0, count=10)

    assert len(offers) == 10
    assert not any("gold" in str(vars(offer)).lower() for offer in offers)
    assert problems(site) == []


def test_thirty_two_clients_at_once_fill_every_place_exactly(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=40, workers=32)
    batch = a_batch(site, overlap_min=3, overlap_max=3)

    def work(worker_id: int) -> int:
        done = 0
        while answer(site, batch, worker_id) is not None:
            done += 1
        return done

    with ThreadPoolExecutor(32) as pool:
        total = sum(pool.map(work, site.workers))

    assert total == 120
    assert set(standing_answers(site).values()) == {3}
    assert problems(site) == []


def answer_to(site: Site, offer: Offered, *, worker: int, seconds: float) -> int:
    """Submit to an assignment that was claimed before, and return the assignment the answer belongs to."""
    from_worker = site.workers[worker]
    submission = Submission(value={"label": "cat"}, client_key=f"late-{offer.assignment_id}")
    receipt = site.uow.run(
        submit,
        assignment_id=offer.assignment_id,
        worker_id=from_worker,
        submission=submission,
        questions=QUESTIONS,
        now=later(seconds),
    )
    return receipt.assignment_id
