"""Every endpoint × everybody: who gets in is what the table in doors.py says, and nothing else gets in at all."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from crowd_hitl.edge.auth import public, refuse_undeclared
from crowd_hitl.jobs.consuming import run_due
from crowd_hitl.store.review_rows import RuleHitRow
from tests.api.doors import API, EVERYBODY, PAGES, PUBLIC, WORKER
from tests.api.served import (
    PEOPLE,
    Served,
    a_batch,
    claim,
    give_audio,
    give_image,
    serve_embedded,
    submission,
)

SAMPLE = {"worker": "wanda", "requester": "rita", "admin": "ada"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, dict[str, Any]]]:
    """Serve one world for all: what one request changes does not change who is let in."""
    served = serve_embedded(tmp_path_factory.mktemp("world"))
    pets = a_batch(served, approval="manual", items=5)
    first, second, third, *_ = claim(served, "wanda", pets.batch_id, count=5)
    answer = served.post("wanda", f"/assignments/{first['id']}/submit", submission()).json["answer"]
    rejected = served.post("wanda", f"/assignments/{third['id']}/submit", submission(key="key-3")).json["answer"]["id"]
    served.post("rita", f"/answers/{rejected}/reject", {"reason": "This shows no cat at all."})
    served.post("wanda", f"/answers/{rejected}/appeal", {"text": "Look again, please."})
    give_image(served, first["item"]["id"])
    give_audio(served, first["item"]["id"], content=b"OggS" + bytes(60))
    export = served.post("rita", "/projects/pets/exports", {}).json
    run_due(served.house)
    qualification = served.post("rita", "/qualifications", {"name": "spanish"}).json["id"]
    worker = served.get("walt", "/me").json["worker_id"]
    blocked = {"kind": "block", "reason": "Too fast.", "project": "pets"}
    block = served.post("rita", f"/workers/{worker}/blocks", blocked).json["id"]
    served.post("rita", "/projects/pets/items", [{"key": "known", "text": "known", "gold": "cat"}])
    yield (
        served,
        {
            "slug": "pets",
            "batch_id": pets.batch_id,
            "budget_id": pets.budget_id,
            "assignment_id": second["id"],
            "sitting_id": second["sitting_id"],
            "answer_id": answer["id"],
            "item_id": first["item"]["id"],
            "qualification_id": qualification,
            "worker_id": worker,
            "block_id": block,
            "appeal_id": 1,
            "run_id": 1,
            "job_id": export["id"],
            "reference": "CH-1-1",
            "filename": "nothing.txt",
            "move": "pause",
            "switch": "off",
            "step": "look",
            "gold_id": served.get("rita", "/projects/pets/gold").json["gold"][0]["id"],
            "ruling": "confirm",
            **_a_hit(served),
        },
    )
    served.house.uow.engine.dispose()


def endpoints(served: Served) -> dict[str, Rule]:
    """Name every method of every rule: "GET work.list_work"."""
    return {
        f"{method} {rule.endpoint}": rule
        for rule in served.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def knock(world: tuple[Served, dict[str, Any]], name: str, who: str | None) -> Any:
    served, values = world
    rule = endpoints(served)[name]
    path = rule.build({argument: values[argument] for argument in rule.arguments})
    assert path is not None
    sent = dict(API[name].sent) if name in API else {}
    headers = dict(sent.pop("headers", {}))
    if who is not None:
        headers["Authorization"] = f"Bearer {_token(served, name, who)}"
    return served.client().open(path[1], method=name.split()[0], headers=headers, **sent)


def _token(served: Served, name: str, who: str) -> str:
    if name != "DELETE tokens.revoke_current_token":
        return served.tokens[who]
    # It ends the token it is asked with, so it gets one of its own.
    made = served.post("rita", "/tokens", {"login": "rita", "password": "correct horse battery"})
    return str(made.json["token"])


def test_every_endpoint_is_in_the_table(world: tuple[Served, dict[str, Any]]) -> None:
    assert set(endpoints(world[0])) == set(API) | set(PAGES)


@pytest.mark.parametrize("name", API)
def test_the_api_tells_strangers_to_sign_in(world: tuple[Served, dict[str, Any]], name: str) -> None:
    reply = knock(world, name, None)

    if API[name].roles == PUBLIC:
        assert reply.status_code < 400
    else:
        assert (reply.status_code, reply.mimetype) == (401, "application/problem+json")
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("role", SAMPLE)
@pytest.mark.parametrize("name", API)
def test_the_api_lets_in_only_the_roles_of_the_table(
    world: tuple[Served, dict[str, Any]], name: str, role: str
) -> None:
    reply = knock(world, name, SAMPLE[role])

    if API[name].roles == PUBLIC or role in API[name].roles:
        # A loop that somebody stopped is no running loop any more.
        gone = {404} if name.startswith("POST loops.") else set()
        assert reply.status_code in {200, 201, 202, 204, 400, 402, 409} | gone, reply.text
    else:
        assert (reply.status_code, reply.json["type"]) == (403, "/problems/not-allowed")


@pytest.mark.parametrize("name", [name for name in API if API[name].roles not in (PUBLIC, EVERYBODY)])
def test_what_belongs_to_another_organisation_is_not_there(world: tuple[Served, dict[str, Any]], name: str) -> None:
    who = next(login for login, (where, role) in PEOPLE.items() if where == "away" and role in _roles(name))
    reply = knock(world, name, who)

    if endpoints(world[0])[name].arguments:
        assert reply.status_code == 404, reply.text
    elif "admin" in _roles(name) and "requester" not in API[name].roles:
        assert reply.status_code == 403
    else:
        assert reply.status_code in (200, 201, 404, 409), reply.text
        assert "pets" not in reply.text


@pytest.mark.parametrize("name", PAGES)
def test_pages_send_strangers_to_sign_in(world: tuple[Served, dict[str, Any]], name: str) -> None:
    reply = knock(world, name, None)

    if PAGES[name] != PUBLIC:
        assert reply.status_code in (302, 303, 401)
        assert reply.status_code == 401 or "/signin" in reply.headers["Location"]


@pytest.mark.parametrize("role", SAMPLE)
@pytest.mark.parametrize("name", [name for name in PAGES if PAGES[name] not in (PUBLIC, EVERYBODY)])
def test_pages_are_closed_to_other_roles(world: tuple[Served, dict[str, Any]], name: str, role: str) -> None:
    if role not in PAGES[name]:
        assert knock(world, name, SAMPLE[role]).status_code == 403


@pytest.mark.parametrize("name", [name for name in PAGES if PAGES[name] not in (PUBLIC, EVERYBODY)])
def test_pages_show_nothing_of_another_organisation(world: tuple[Served, dict[str, Any]], name: str) -> None:
    who = "olga" if PAGES[name] == WORKER else "otto"
    reply = knock(world, name, who)

    if endpoints(world[0])[name].arguments:
        assert reply.status_code == 404
    assert "Pets" not in reply.text


def test_an_endpoint_without_roles_keeps_the_application_from_starting(served: Served) -> None:
    served.app.view_functions["forgotten"] = lambda: "open"

    with pytest.raises(RuntimeError, match="forgotten"):
        refuse_undeclared(served.app)
    served.app.view_functions["forgotten"] = public(lambda: "open")
    refuse_undeclared(served.app)


def _wanda(served: Served) -> int:
    workers = served.get("rita", "/workers").json["workers"]
    return next(int(worker["id"]) for worker in workers if worker["name"] == "Wanda")


def _a_hit(served: Served) -> dict[str, int]:
    rule_id = int(served.post("rita", "/projects/pets/rules", {"preset": "too-uniform"}).json["id"])
    worker_id = _wanda(served)

    def hit(session: Session, now: datetime) -> int:
        row = RuleHitRow(
            rule_id=rule_id, worker_id=worker_id, measured=0.5, evidence={"last": 1}, action="flag", found_at=now
        )
        session.add(row)
        session.flush()
        return row.id

    return {"rule_id": rule_id, "hit_id": served.house.uow.run(hit)}


def _roles(name: str) -> frozenset[str]:
    # The other organisation has a requester and a worker; where only an admin may go, its requester must not.
    roles = API[name].roles
    return roles | {"requester"} if "admin" in roles else roles
