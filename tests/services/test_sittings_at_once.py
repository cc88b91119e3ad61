"""A page whose answers come, lapse and are decided at the same moment is paid once, and nobody waits for nobody."""

from collections.abc import Callable
from functools import partial
from typing import Any

from crowd_hitl.domain.errors import AlreadyDone
from crowd_hitl.services.assigning import expire
from crowd_hitl.services.paying import approve
from crowd_hitl.store.unit_of_work import UnitOfWork
from tests.services.published import PRICE, a_batch, a_site, later, problems
from tests.services.sat import answer_ids, claimed, moved, submitted
from tests.services.test_interleavings import at_once


def test_the_last_answers_of_a_page_at_once_are_paid_together_once(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=6)
    batch = a_batch(site, page_size=6, overlap_min=1, overlap_max=1, lease_seconds=60)
    page = [offer.assignment_id for offer in claimed(site, batch)]
    for assignment_id in page[:2]:
        submitted(site, assignment_id)
    first, second = answer_ids(site)

    calls: list[Callable[[], Any]] = [partial(submitted, site, one) for one in page[2:]]
    calls += [partial(site.uow.run, approve, answer_id=one, decided_by=None) for one in (first, second)]
    found = at_once(*calls, partial(site.uow.run, expire, now=later(59)))

    errors = [one for one in found if isinstance(one, Exception) and not isinstance(one, AlreadyDone)]
    assert errors == []
    assert moved(site) == [("pay", 6 * PRICE)]
    assert problems(site) == []
