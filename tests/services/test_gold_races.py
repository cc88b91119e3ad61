"""Gold is retired while a batch that shows it is published: it is no gold anywhere, or nothing was done."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from crowd_hitl.domain.errors import Busy, Conflict
from crowd_hitl.services import vouching
from crowd_hitl.services.agreeing import agree
from crowd_hitl.services.vouching import confirm_gold, correct_gold, retire_gold
from crowd_hitl.store.project_rows import GoldRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from tests.services.published import Site, a_batch, a_site, answer, problems
from tests.services.test_doubting import PLUGINS, gold, ruled


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_batch_published_while_its_gold_is_retired_keeps_it_from_being_so(
    unit_of_work: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = a_site(unit_of_work, items=4, workers=3, gold=1)
    real: Callable[..., GoldRow] = vouching._begin

    def after_a_publish(*arguments: Any) -> GoldRow:
        monkeypatch.setattr(vouching, "_begin", real)
        a_batch(site, gold_rate=0.5)  # in a transaction of its own, between the tasks and the gold
        return real(*arguments)

    monkeypatch.setattr(vouching, "_begin", after_a_publish)

    with pytest.raises(Conflict, match="published just now"):
        ruled(site, retire_gold)
    assert gold(site).state == "in use"

    assert (ruled(site, retire_gold).places, gold(site).state) == (2, "retired")
    assert problems(site) == []


def test_people_decide_on_gold_while_others_work_and_passes_run(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=8, workers=4, gold=4)
    batch = a_batch(site, overlap_min=3, overlap_max=3, gold_rate=0.5)

    def work(worker_id: int) -> None:
        while answer(site, batch, worker_id, "cat") is not None:
            pass

    def decide() -> None:
        wrong, right, none, _ = gold_ids(site)
        terms: dict[str, Any] = {"decided_by": None, "plugins": PLUGINS}
        unit_of_work.run(correct_gold, gold_id=wrong, value="dog", **terms)
        unit_of_work.run(confirm_gold, gold_id=right, **terms)
        unit_of_work.run(retire_gold, gold_id=none, **terms)

    def weigh() -> None:
        for _ in range(4):
            agree(unit_of_work, batch_id=batch.id, plugins=PLUGINS)

    with ThreadPoolExecutor(max_workers=6) as pool:
        running = [pool.submit(work, worker_id) for worker_id in site.workers]
        running += [pool.submit(decide), pool.submit(weigh)]
        failed = [error for done in running if (error := done.exception()) is not None]

    assert not [error for error in failed if not isinstance(error, Busy)], failed
    assert problems(site) == []


def gold_ids(site: Site) -> list[int]:
    return site.uow.read(lambda session: list(session.scalars(select(GoldRow.id).order_by(GoldRow.id))))
