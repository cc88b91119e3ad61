"""Builders for tests through HTTP: two organisations on one real application, and what their people ask of it."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.application import create_app
from crowd_hitl.edge.house import EXTENSION, House
from crowd_hitl.services import admitting
from crowd_hitl.settings import Settings
from crowd_hitl.store.account_rows import OrganisationRow
from crowd_hitl.store.project_rows import ItemRow
from crowd_hitl.store.work_rows import AssignmentRow

PASSWORD = "correct horse battery"
HOME, AWAY = "home", "away"
# login → organisation and role
PEOPLE = {
    "ada": (HOME, "admin"),
    "rita": (HOME, "requester"),
    "wanda": (HOME, "worker"),
    "walt": (HOME, "worker"),
    "otto": (AWAY, "requester"),
    "olga": (AWAY, "worker"),
}
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 24
QUESTION = {"kind": "choice", "prompt": "Cat or dog?", "options": ["cat", "dog"]}


@dataclass(frozen=True)
class Served:
    """A running application and a token for everybody."""

    app: APIFlask
    tokens: dict[str, str]

    @property
    def house(self) -> House:
        house: House = self.app.extensions[EXTENSION]
        return house

    def client(self) -> FlaskClient:
        return self.app.test_client()

    def ask(self, who: str | None, method: str, path: str, **other: Any) -> Any:
        headers = dict(other.pop("headers", {}))
        if who is not None:
            headers["Authorization"] = f"Bearer {self.tokens[who]}"
        # A fresh client each time: nobody's session reaches the next request.
        return self.client().open(path, method=method, headers=headers, **other)

    def get(self, who: str | None, path: str) -> Any:
        return self.ask(who, "GET", f"/api/v1{path}")

    def post(self, who: str | None, path: str, json: object = None, **other: Any) -> Any:
        if json is not None:
            other["json"] = json
        return self.ask(who, "POST", f"/api/v1{path}", **other)


@dataclass(frozen=True)
class Pets:
    """A project of `home` with a batch that is open."""

    budget_id: int
    batch_id: int
    items: list[int]


def serve(settings: Settings) -> Served:
    """Build the application and let everybody in."""
    app = create_app(settings)
    house: House = app.extensions[EXTENSION]
    return Served(app=app, tokens=house.uow.run(_admit_everybody))


def embedded(folder: Path) -> Settings:
    """Set up an embedded database in this folder."""
    return Settings(data=folder, database_url=None, rate_limits=False)


def serve_embedded(folder: Path) -> Served:
    """Serve from a new embedded database in this folder."""
    return serve(embedded(folder))


def a_batch(served: Served, *, items: int = 3, **other: Any) -> Pets:
    """Make the project `pets` with items, money and an open batch, all through the API as rita."""
    project = served.post("rita", "/projects", {"slug": "pets", "name": "Pets", "question": QUESTION})
    assert project.status_code == 201, project.text
    rows = [{"key": f"k{n}", "text": f"text {n}"} for n in range(items)]
    imported = served.post("rita", "/projects/pets/items", rows)
    assert imported.status_code == 200 and imported.json["added"] == items, imported.text
    budget_id = a_budget(served)
    wanted = {"name": "first", "budget_id": budget_id, "price": "0.05", "overlap_min": 2, **other}
    batch = served.post("rita", "/projects/pets/batches", wanted)
    assert batch.status_code == 201, batch.text
    ids = [item["id"] for item in served.get("rita", "/projects/pets/items").json["items"]]
    return Pets(budget_id=budget_id, batch_id=batch.json["id"], items=ids)


def a_budget(served: Served, *, amount: str = "100", name: str = "main") -> int:
    """Open a budget and put money in."""
    budget = served.post("rita", "/budgets", {"name": name, "currency": "USD"})
    assert budget.status_code == 201, budget.text
    budget_id = int(budget.json["id"])
    put_in = served.post(
        "rita", f"/budgets/{budget_id}/top-ups", {"amount": amount}, headers={"Idempotency-Key": f"first-{name}"}
    )
    assert put_in.status_code == 201, put_in.text
    return budget_id


def give_image(served: Served, item_id: int, *, content: bytes = PNG) -> str:
    """Put an image behind an item and return where it is served."""
    _give(served, item_id, "image_key", content=content)
    return f"/media/items/{item_id}"


def give_audio(served: Served, item_id: int, *, content: bytes) -> str:
    """Put a recording behind an item and return where it is served."""
    _give(served, item_id, "audio_key", content=content)
    return f"/media/items/{item_id}/audio"


def _give(served: Served, item_id: int, column: str, *, content: bytes) -> None:
    key = served.house.storage.put(f"media/{column}-{item_id}.bin", BytesIO(content))

    def attach(session: Session) -> None:
        setattr(session.get_one(ItemRow, item_id), column, key)

    served.house.uow.run(attach)


def claim(served: Served, who: str, batch_id: int, *, count: int = 1) -> list[dict[str, Any]]:
    """Claim places through the API."""
    answer = served.post(who, f"/batches/{batch_id}/claim", {"count": count})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json
    return found


def submission(value: str = "cat", *, key: str = "key-1", **other: Any) -> dict[str, Any]:
    """Write the body of a submit."""
    return {"value": {"label": value}, "client_key": key, "seconds": 1.5, **other}


def _admit_everybody(session: Session, *, now: Any) -> dict[str, str]:
    organisations = {HOME: admitting.default_organisation(session, now=now)}
    organisations[AWAY] = admitting.create_organisation(session, name=AWAY, now=now)
    tokens = {}
    for login, (where, role) in PEOPLE.items():
        account = admitting.create_account(
            session,
            organisation_id=organisations[where].id,
            login=login,
            name=login.capitalize(),
            role=role,
            password=PASSWORD if login in ("rita", "wanda") else None,
            now=now,
        )
        tokens[login] = admitting.issue_token(session, account_id=account.id, name="test", now=now)
    assert len(session.scalars(select(OrganisationRow)).all()) == 2
    return tokens


def sitting_of(served: Served, assignment_id: int) -> int:
    """Find the sitting an assignment belongs to."""
    query = select(AssignmentRow.sitting_id).where(AssignmentRow.id == assignment_id)
    return int(served.house.uow.read(lambda session: session.scalars(query).one()))
