"""Answers are taken out while others work: nothing is lost, paid twice or opened twice, and nobody meets a deadlock."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from crowd_hitl.domain.errors import Busy, Conflict
from crowd_hitl.services.agreeing import agree
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import BatchRow
from tests.services.published import Site, a_batch, a_site, answer, problems
from tests.services.removed import PLUGINS, asked, remove, restore, settle_labels, states

ITEMS = 12


def work(site: Site, batch: BatchRow, worker_id: int) -> None:
    for turn in range(ITEMS):
        if answer(site, batch, worker_id, "dog" if turn % 3 else "cat") is None:
            return


def weigh(site: Site, batch: BatchRow) -> None:
    for _ in range(4):
        agree(site.uow, batch_id=batch.id, plugins=PLUGINS)


def leave(site: Site, worker_id: int) -> None:
    for _ in range(2):
        with suppress(Conflict):  # everything is out, or back, already
            remove(site, asked(site, worker_id))
        with suppress(Conflict):
            restore(site, worker_id)
    with suppress(Conflict):
        remove(site, asked(site, worker_id))


def test_answers_are_taken_out_and_put_back_while_others_work(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=ITEMS, workers=6)
    batch = a_batch(site, overlap_min=2, overlap_max=4)
    leaver, *others = site.workers
    work(site, batch, leaver)

    with ThreadPoolExecutor(max_workers=5) as pool:
        running = [pool.submit(work, site, batch, worker_id) for worker_id in others[:3]]
        running += [pool.submit(weigh, site, batch), pool.submit(leave, site, leaver)]
        failed = [error for done in running if (error := done.exception()) is not None]

    assert not [error for error in failed if not isinstance(error, Busy)], failed
    assert problems(site) == []
    settle_labels(site)
    assert problems(site) == []
    assert states(site, leaver) <= {"approved", "removed"}
