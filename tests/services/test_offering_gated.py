"""What a worker is offered: not what they may not do; what has reached a limit is shown, last, and says so."""

from crowd_hitl.services.blocking import Placed, block
from crowd_hitl.services.offering import WorkOffer, work_for
from crowd_hitl.store.unit_of_work import UnitOfWork
from tests.services.gated import claimed, has
from tests.services.published import NOON, Site, a_batch, a_site, later


def offers(site: Site, *, worker: int = 0) -> list[WorkOffer]:
    return site.uow.read(work_for, worker_id=site.workers[worker], now=NOON)


def test_batches_beyond_a_worker_are_hidden_and_limits_are_told(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=8)
    for worker in (0, 1):
        has(site, "spanish", worker=worker)
    capped = a_batch(site, name="capped", price_micros=90_000, cap_per_day=2, items=site.items[:3])
    a_batch(site, name="spanish", price_micros=80_000, requirement={"has": "spanish"}, items=site.items[3:5])
    a_batch(site, name="open", items=site.items[5:])

    assert [offer.batch_name for offer in offers(site)] == ["capped", "spanish", "open"]
    assert [offer.batch_name for offer in offers(site, worker=2)] == ["capped", "open"]
    assert offers(site)[0].available == 2
    claimed(site, capped, count=2)
    shown = offers(site)
    assert [offer.batch_name for offer in shown] == ["spanish", "open", "capped"]
    assert shown[2].limit == "You have done your 2 for today. There may be more tomorrow, from 00:00 UTC."
    assert (shown[2].available, shown[0].limit) == (0, None)


def test_what_a_worker_is_blocked_from_is_not_offered(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=4)
    first = a_batch(site, items=site.items[:2])
    a_batch(site, name="second", items=site.items[2:])
    placed = Placed(worker_id=site.workers[0], kind="pause", reason="Why?", batch_id=first.id, ends_at=later(60))
    site.uow.run(block, placed=placed, now=NOON)

    assert [offer.batch_name for offer in offers(site)] == ["second"]
    whole = Placed(worker_id=site.workers[0], kind="block", reason="Why?", project_id=site.project_id)
    site.uow.run(block, placed=whole, now=NOON)
    assert offers(site) == []
    assert len(offers(site, worker=1)) == 2
