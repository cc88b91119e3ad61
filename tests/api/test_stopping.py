"""The submit that fills a task asks for the decision whether it has answers enough."""

from threading import Event

import pytest

from crowd_hitl.edge.soon import STOPPING, Soon
from crowd_hitl.services.agreeing import agree
from crowd_hitl.services.stopping import stop_asking
from tests.api.served import Served, a_batch, claim, sitting_of, submission


class Noted(list[int]):
    """Stands where `serve` has what decides soon, and keeps what it was asked."""

    def note(self, batch_id: int) -> None:
        self.append(batch_id)


@pytest.fixture
def noted(served_on_both: Served) -> Noted:
    """Listen to what requests ask for soon."""
    listening = Noted()
    served_on_both.app.extensions[STOPPING] = listening
    return listening


def give(served: Served, who: str, batch_id: int, value: str = "cat") -> None:
    (held,) = claim(served, who, batch_id)
    reply = served.post(who, f"/assignments/{held['id']}/submit", submission(value, key=f"{who}-{held['id']}"))
    assert reply.status_code == 200, reply.text


def test_only_the_answer_that_fills_a_task_asks_for_a_decision(served_on_both: Served, noted: Noted) -> None:
    pets = a_batch(served_on_both, items=2, overlap_max=3)

    give(served_on_both, "wanda", pets.batch_id)
    assert noted == []
    give(served_on_both, "walt", pets.batch_id)

    assert noted == [pets.batch_id]


def test_where_the_overlap_is_fixed_there_is_nothing_to_decide(served_on_both: Served, noted: Noted) -> None:
    pets = a_batch(served_on_both, overlap_min=1, overlap_max=1)

    give(served_on_both, "wanda", pets.batch_id)

    assert noted == []


def test_a_page_that_fills_tasks_asks_once(served_on_both: Served, noted: Noted) -> None:
    pets = a_batch(served_on_both, items=2, overlap_min=1, overlap_max=2, page_size=2)
    page = claim(served_on_both, "wanda", pets.batch_id)
    answers = [{"assignment_id": one["id"], "value": {"label": "cat"}} for one in page]
    body = {"answers": answers, "client_key": "page-1"}

    reply = served_on_both.post("wanda", f"/sittings/{sitting_of(served_on_both, page[0]['id'])}/submit", body)

    assert reply.status_code == 200, reply.text
    assert noted == [pets.batch_id]


def test_it_is_decided_beside_the_request_with_no_job_running(served_on_both: Served) -> None:
    house = served_on_both.house
    pets = a_batch(served_on_both, items=12, overlap_min=1, overlap_max=3, confidence_target=0.51)
    for _ in range(11):
        give(served_on_both, "wanda", pets.batch_id)
    agree(house.uow, batch_id=pets.batch_id, plugins=house.plugins)
    done = Event()

    def work(*, batch_id: int) -> None:
        stop_asking(house.uow, batch_id=batch_id, plugins=house.plugins)
        done.set()

    soon = served_on_both.app.extensions[STOPPING] = Soon("stopping", work)
    soon.start()
    give(served_on_both, "wanda", pets.batch_id)

    assert done.wait(30)
    soon.stop()
    assert served_on_both.get("rita", f"/batches/{pets.batch_id}").json["state"] == "closed"
    assert served_on_both.get("ada", "/check").json["ok"] is True
