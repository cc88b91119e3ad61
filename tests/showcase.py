"""A small project made through the services, with simulated workers: what the pages are tested and shown on."""

import io
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from PIL import Image
from sklearn.datasets import load_digits
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.bootstrap import House
from crowd_hitl.domain.rounds import LoopPolicy
from crowd_hitl.services.agreeing import agree
from crowd_hitl.services.answering import Submission, submit
from crowd_hitl.services.appealing import appeal
from crowd_hitl.services.assigning import claim, release
from crowd_hitl.services.looping import advance, start_loop
from crowd_hitl.services.paying import reject
from crowd_hitl.store.account_rows import AccountRow
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.project_rows import ProjectRow
from crowd_hitl.store.work_rows import AnswerRow
from tests import builders
from tests.showcase_payouts import pay_out

OPENINGS = ("A warm", "A clumsy", "A sly", "A patient", "An overlong", "A tender", "A noisy", "A dry")
MIDDLES = (
    "portrait of two sisters that never quite trusts its own silence",
    "heist film with one good joke and three long speeches",
    "story of a harbour town, told from its kitchens",
    "sequel that remembers everything about the first film but its charm",
    "comedy which earns its ending and most of its tears",
)
SIGNS = {"positive": "Go and see it.", "negative": "Stay at home."}
TEXTS_COUNT, DIGITS_COUNT = 48, 120
AT_ONCE = 3
MOST_STEPS = 200
POLICY = LoopPolicy(
    round_items=20, reference_items=20, audit_items=50, audit_step=30, looks=2, max_error=0.1, delta=0.1, rounds_max=3
)


@dataclass(frozen=True)
class Showcase:
    """What was made: slugs, logins (the password is builders.PASSWORD), and some ids to visit."""

    films: str
    digits: str
    empty: str
    requester: str
    worker: str
    closed_batch: int
    manual_batch: int
    open_batch: int
    item: int
    digit: int


@dataclass(frozen=True)
class Answering:
    """Simulated workers with their share of right answers, and the truth they try to find."""

    workers: list[tuple[int, float]]
    truth: dict[int, str]
    classes: tuple[str, ...]
    random: Random


def furnish(house: House, *, now: datetime) -> Showcase:
    """Fill an empty store."""
    uow = house.uow
    uow.run(builders.an_account, login="ines", role="requester", now=now)
    mara = uow.run(builders.a_worker, login="mara", now=now)
    crowd = uow.run(builders.some_workers, count=14)
    random = Random(7)
    workers = [(worker.id, random.choice((0.95, 0.9, 0.85, 0.6))) for worker in crowd]
    films, truth = uow.run(_films, now=now)
    answering = Answering(workers=workers, truth=truth, classes=builders.CLASSES, random=random)
    budget = uow.run(builders.a_budget, name="Pilot", amount="40", now=now - timedelta(days=9))
    closed = uow.run(
        builders.a_batch,
        project=films,
        budget=budget,
        name="Pilot batch",
        limit=24,
        overlap_max=5,
        now=now - timedelta(days=6),
    )
    by_mara = Answering([(mara.id, 0.9)], truth, builders.CLASSES, random)
    _play(house, closed.id, by_mara, now=now - timedelta(days=5, hours=1), turns=7)
    _play(house, closed.id, answering, now=now - timedelta(days=5))
    manual = uow.run(
        builders.a_batch,
        project=films,
        budget=budget,
        name="Checked by hand",
        limit=8,
        approval="manual",
        now=now - timedelta(days=3),
    )
    _play(house, manual.id, answering, now=now - timedelta(days=2), turns=12)
    uow.run(_reject_first, batch_id=manual.id, now=now - timedelta(days=1))
    _play(house, manual.id, by_mara, now=now - timedelta(days=2), turns=2)
    uow.run(_dispute, worker_id=mara.id, batch_id=manual.id, now=now - timedelta(hours=20))
    opened = uow.run(
        builders.a_batch, project=films, budget=budget, name="The rest", overlap_max=4, now=now - timedelta(hours=3)
    )
    _play(house, opened.id, answering, now=now - timedelta(hours=2), turns=9)
    _play(house, opened.id, by_mara, now=now - timedelta(hours=1), turns=3)
    finders = [worker.id for worker in crowd[12:]]
    uow.run(_find_broken, batch_id=opened.id, worker_ids=finders, now=now - timedelta(minutes=50))
    pay_out(house, budget=budget, mara=mara, now=now)
    digits, digit = _digits(house, workers=workers, random=random, now=now - timedelta(days=2))
    empty = uow.run(builders.a_project, slug="news-topics", name="News topics", prompt="What is it about?", now=now)
    return Showcase(
        films=films.slug,
        digits=digits,
        empty=empty.slug,
        requester="ines",
        worker="mara",
        closed_batch=closed.id,
        manual_batch=manual.id,
        open_batch=opened.id,
        item=next(iter(truth)),
        digit=digit,
    )


def _films(session: Session, *, now: datetime) -> tuple[ProjectRow, dict[int, str]]:
    project = builders.a_project(session, simulated=True, now=now - timedelta(days=9))
    truth: dict[int, str] = {}
    for number in range(TEXTS_COUNT):
        value = builders.CLASSES[(number * 5 + number // 8) % 2]
        text = f"{OPENINGS[number % 8]} {MIDDLES[number % 5]}. {SIGNS[value]}"
        gold = value if number % 12 == 11 else None
        item = builders.an_item(
            session, project, key=f"mr-{number + 1:04}", text=text, gold=gold, now=now - timedelta(days=9)
        )
        truth[item.id] = value
    return project, truth


def _play(house: House, batch_id: int, answering: Answering, *, now: datetime | None, turns: int = 1000) -> None:
    """Let the workers answer in turn and agree when all places are filled, until no place or no turn is left."""
    taken = 0
    while taken < turns:
        before = taken
        for worker in answering.workers:
            count = min(AT_ONCE, turns - taken)
            moment = {} if now is None else {"now": now + timedelta(seconds=40 * taken)}
            if count:
                taken += house.uow.run(
                    _answer, batch_id=batch_id, worker=worker, count=count, answering=answering, **moment
                )
        agree(house.uow, batch_id=batch_id, plugins=house.plugins, seed=1)
        if taken == before:
            return


def _answer(
    session: Session,
    *,
    batch_id: int,
    worker: tuple[int, float],
    count: int,
    answering: Answering,
    now: datetime,
) -> int:
    worker_id, accuracy = worker
    offered = claim(session, batch_id=batch_id, worker_id=worker_id, count=count, now=now)
    for one in offered:
        right = answering.truth[one.item_id]
        wrong = [other for other in answering.classes if other != right]
        value = right if answering.random.random() < accuracy else answering.random.choice(wrong)
        submission = Submission(
            value={"label": value},
            client_key=f"play-{one.assignment_id}",
            seconds=round(answering.random.uniform(3, 14), 1),
        )
        submit(
            session,
            assignment_id=one.assignment_id,
            worker_id=worker_id,
            submission=submission,
            questions=builders.QUESTIONS,
            now=now,
        )
    return len(offered)


def _reject_first(session: Session, *, batch_id: int, now: datetime) -> None:
    from_batch = session.scalars(
        select(AnswerRow).where(AnswerRow.batch_id == batch_id).order_by(AnswerRow.id).limit(1)
    ).one()
    account = session.scalars(select(AccountRow).limit(1)).one()
    reason = "The last sentence says the opposite of this answer."
    reject(session, answer_id=from_batch.id, reason=reason, decided_by=account.id, now=now)


def _dispute(session: Session, *, worker_id: int, batch_id: int, now: datetime) -> None:
    """Reject both answers of a worker, who appeals against the first."""
    own = select(AnswerRow.id).where(AnswerRow.batch_id == batch_id, AnswerRow.worker_id == worker_id)
    answers = session.scalars(own.order_by(AnswerRow.id)).all()
    for answer_id in answers:
        reason = "The answer does not fit the instructions."
        reject(session, answer_id=answer_id, reason=reason, decided_by=None, now=now)
    text = "The last sentence tells people to see it, so it is positive."
    appeal(session, answer_id=answers[0], worker_id=worker_id, text=text, days=7, now=now + timedelta(hours=2))


def _find_broken(session: Session, *, batch_id: int, worker_ids: list[int], now: datetime) -> None:
    """Let workers say of one item of a batch that it cannot be answered."""
    held = {}
    for worker_id in worker_ids:
        offered = [claim(session, batch_id=batch_id, worker_id=worker_id, count=10, now=now) for _ in range(2)]
        held[worker_id] = {one.item_id: one.assignment_id for part in offered for one in part}
    wanted = max(set.intersection(*(set(offered) for offered in held.values())))
    for worker_id, offered_ids in held.items():
        for item_id, assignment_id in offered_ids.items():
            if item_id != wanted:
                release(session, assignment_id=assignment_id, worker_id=worker_id, now=now)
        submit(
            session,
            assignment_id=offered_ids[wanted],
            worker_id=worker_id,
            submission=Submission(value=None, client_key="broken", broken="The text is cut off"),
            questions=builders.QUESTIONS,
            now=now,
        )


def _digits(house: House, *, workers: list[tuple[int, float]], random: Random, now: datetime) -> tuple[str, int]:
    """Let the loop run over real images until it stops by itself."""
    images = load_digits()
    classes = tuple("0123456789")
    project, budget, truth = house.uow.run(_digit_project, classes=classes, now=now)
    for number in range(DIGITS_COUNT):
        key = house.storage.put(f"items/{project.id}/{number}.png", _picture(images.images[number]))
        name = f"digit-{number + 1:04}"
        item = house.uow.run(builders.an_item, project=project, key=name, text=None, image_key=key, now=now)
        truth[item.id] = classes[int(images.target[number])]
    answering = Answering(workers=workers, truth=truth, classes=classes, random=random)
    loop = house.uow.run(start_loop, project_id=project.id, budget_id=budget.id, policy=POLICY, seed=1)
    step = advance(house.uow, loop_id=loop.id, plugins=house.plugins, storage=house.storage)
    for _ in range(MOST_STEPS):
        if step.stopped:
            break
        if step.batch_id is not None:
            _play(house, step.batch_id, answering, now=None)
        step = advance(house.uow, loop_id=loop.id, plugins=house.plugins, storage=house.storage)
    return project.slug, next(iter(truth))


def _digit_project(
    session: Session, *, classes: tuple[str, ...], now: datetime
) -> tuple[ProjectRow, BudgetRow, dict[int, str]]:
    project = builders.a_project(
        session,
        slug="digits",
        name="Handwritten digits",
        classes=classes,
        prompt="Which digit is this?",
        simulated=True,
        now=now,
    )
    return project, builders.a_budget(session, name="Digits", amount="60", now=now), {}


def _picture(pixels: Any) -> io.BytesIO:
    """Return one image of the digits as PNG, dark on light."""
    image = Image.fromarray((255 - pixels * 15.9375).astype("uint8"))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    stream.seek(0)
    return stream
