"""Tasks are laid out inside the database: shuffled by the seed, gold unseen among them, nothing twice."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import BadInput, Busy, NotFound
from crowd_hitl.domain.tasks import position
from crowd_hitl.services import publishing, queueing
from crowd_hitl.services.queueing import Asked, Extent
from crowd_hitl.store.project_rows import GoldRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import TaskRow
from tests.services.published import NOON, Site, a_batch, a_site, problems


def laid_out(site: Site) -> list[TaskRow]:
    with site.uow.reading() as session:
        return list(session.scalars(select(TaskRow).order_by(TaskRow.pos)))


def test_every_item_is_one_task_in_an_order_that_is_not_that_of_the_items(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=200, gold=20)
    batch = a_batch(site, gold_rate=0.05)

    tasks = laid_out(site)

    asked = [task.item_id for task in tasks if not task.is_gold]
    assert sorted(asked) == site.items
    assert asked != site.items
    assert sum(task.is_gold for task in tasks) == 10
    assert len({task.pos for task in tasks}) == 210
    assert {task.voice_key for task in tasks} == {f"{task.item_id}:{batch.question_version_id}" for task in tasks}
    assert problems(site) == []


def test_a_task_that_is_opened_again_joins_behind_all_others(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=50)
    a_batch(site)

    assert laid_out(site)[-1].pos < position(NOON)


def test_several_portions_are_one_batch(unit_of_work: UnitOfWork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queueing, "ID_SPAN", 7)
    monkeypatch.setattr(queueing, "LIST_CHUNK", 7)
    site = a_site(unit_of_work, items=40)
    a_batch(site, items=site.items[5:25])

    assert sorted(task.item_id for task in laid_out(site)) == site.items[5:25]

    a_batch(site, name="the rest", limit=15)
    assert sorted(task.item_id for task in laid_out(site)) == site.items[:35]
    assert problems(site) == []


@pytest.mark.parametrize("listed", [True, False])
def test_several_portions_show_as_much_gold_as_was_paid_for(
    unit_of_work: UnitOfWork, monkeypatch: pytest.MonkeyPatch, listed: bool
) -> None:
    monkeypatch.setattr(queueing, "ID_SPAN", 7)
    monkeypatch.setattr(queueing, "LIST_CHUNK", 7)
    site = a_site(unit_of_work, items=20, gold=20)
    asked = [*site.items[5:15], site.items[-1] + 1] if listed else None  # an item that is gold is asked itself

    a_batch(site, items=asked, gold_rate=0.5)

    tasks = laid_out(site)
    assert [sum(task.is_gold for task in tasks), len(tasks)] == ([6, 17] if listed else [10, 30])
    assert len({task.item_id for task in tasks}) == len(tasks)
    by_item = sorted(tasks, key=lambda task: task.item_id)
    assert by_item == sorted(tasks, key=lambda task: task.id)
    assert problems(site) == []


def test_gold_that_was_shown_least_comes_first_and_counts_what_it_is_shown(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=10, gold=3)
    a_batch(site, gold_rate=0.1, items=site.items[:5])
    a_batch(site, gold_rate=0.1, items=site.items[5:])

    with unit_of_work.reading() as session:
        assert sorted(session.scalars(select(GoldRow.views_reserved))) == [0, 2, 2]


def test_gold_that_is_asked_itself_is_not_mixed_in(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=4, gold=1)
    with unit_of_work.reading() as session:
        (known,) = session.scalars(select(GoldRow.item_id))

    a_batch(site, gold_rate=0.5, items=[*site.items, known])

    assert [task.is_gold for task in laid_out(site)] == [False] * 5


def test_items_of_another_project_or_named_twice_are_refused(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)

    with pytest.raises(NotFound, match=r"Items \[999\]"):
        a_batch(site, items=[site.items[0], 999])
    with pytest.raises(BadInput, match="twice"):
        a_batch(site, items=[site.items[0], site.items[0]])


def test_items_that_change_while_they_are_published_stop_it_all(
    unit_of_work: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_more(session: Session, asked: Asked) -> Extent:
        found = queueing.extent_of(session, asked)
        return Extent(found.count + 1, found.low, found.high)

    site = a_site(unit_of_work)
    monkeypatch.setattr(publishing, "extent_of", one_more)

    with pytest.raises(Busy, match="Nothing was published"):
        a_batch(site)

    assert laid_out(site) == []
    assert problems(site) == []
