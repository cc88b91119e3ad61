"""The overlap plan of a live project: asked for as a job, worked out between units of work, kept as its result."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import BadInput, Conflict, bad_field
from crowd_hitl.domain.fees import fee_rule
from crowd_hitl.domain.jobs import ACTIVE, JobState
from crowd_hitl.domain.money import micros, units
from crowd_hitl.domain.ports import Plugins
from crowd_hitl.domain.quotes import place_cost_micros
from crowd_hitl.inference.planning import FEWEST_TASKS, FIXED, Effort
from crowd_hitl.inference.planning import plan as make_plan
from crowd_hitl.services.jobbing import Wanted, queue_job
from crowd_hitl.services.piloting import LivePilot, outset, refuse_no_class
from crowd_hitl.services.pricing_plans import MODELS, Asked, Pace, checked_rule, report, ways_of
from crowd_hitl.services.projects import newest_question
from crowd_hitl.store.job_rows import JobRow
from crowd_hitl.store.project_rows import ProjectRow

KIND = "plan"
# More answers an item, models or redraws than these take minutes, and a chart shows no more lines.
MOST_OVERLAP, MOST_MODELS, MOST_RESAMPLES = 20, 5, 200
MOST_ITEMS = 10_000_000


@dataclass(frozen=True)
class PlanWish:
    """What is to be planned; None: of all batches, for the items that wait, at the price of the newest batch.

    No policies: all there are.
    """

    batch_id: int | None = None
    items: int | None = None
    price_micros: int | None = None
    confidence: float = 0.95
    overlap_min: int = 2
    overlap_max: int = 7
    models: tuple[str, ...] = MODELS
    policies: tuple[str, ...] = ()
    resamples: int = 20
    seed: int = 0


@dataclass(frozen=True)
class PlanJobs:
    """A project's newest plan job, whatever became of it, and the newest plan that is there."""

    newest: JobRow | None
    done: JobRow | None

    @property
    def is_active(self) -> bool:
        """Say whether one waits or runs."""
        return self.newest is not None and self.newest.state in ACTIVE

    @property
    def plan(self) -> Mapping[str, Any] | None:
        """Return the newest plan."""
        return None if self.done is None or self.done.result is None else self.done.result[KIND]


@dataclass(frozen=True)
class Choice:
    """How a batch is published that buys as one line of a plan does."""

    price_micros: int
    overlap_min: int
    overlap_max: int
    confidence_target: float
    overlap_policy: str
    aggregator: str
    gold_rate: float
    limit: int
    budget_id: int


def check_wish(wish: PlanWish, *, plugins: Plugins) -> None:
    """Refuse a wish that cannot be worked out in seconds or minutes, naming the field."""
    rule = checked_rule(wish.confidence, wish.overlap_min, wish.overlap_max, most=MOST_OVERLAP)
    if not 1 <= len(wish.models) <= MOST_MODELS:
        raise bad_field("models", expected=f"1 to {MOST_MODELS} of them", found=len(wish.models))
    ways_of(plugins, rule, models=wish.models, policies=wish.policies)
    if wish.items is not None and not 1 <= wish.items <= MOST_ITEMS:
        raise bad_field("items", expected=f"1 to {MOST_ITEMS}", found=wish.items)
    if wish.price_micros is not None and wish.price_micros <= 0:
        raise bad_field("price", expected="an amount above 0", found=units(wish.price_micros))
    if not 2 <= wish.resamples <= MOST_RESAMPLES:
        raise bad_field("resamples", expected=f"2 to {MOST_RESAMPLES}", found=wish.resamples)


def ask_for_plan(
    session: Session, *, project_id: int, account_id: int, wish: PlanWish, plugins: Plugins, now: datetime
) -> JobRow:
    """Queue the work; the same wish again is the job that waits or runs already.

    BadInput for a wish that cannot be, for answers that are no class or too few of them; Conflict while another plan of
    the project is worked out: they compute for seconds, and so one after the other.
    """
    check_wish(wish, plugins=plugins)
    refuse_no_class(newest_question(session, project_id=project_id), plugins.questions)
    found = outset(session, project_id=project_id, questions=plugins.questions)
    if not found.is_enough:
        raise BadInput(
            f"A plan needs a pilot of {FEWEST_TASKS} answered items or more, found {found.answered}. "
            "Publish a small batch, and plan when it is answered."
        )
    project = session.get_one(ProjectRow, project_id)
    wanted = Wanted(
        kind=KIND,
        key=_key(project_id),
        payload={"project_id": project_id, "slug": project.slug, "wish": _as_json(wish)},
        organisation_id=project.organisation_id,
        account_id=account_id,
    )
    job = queue_job(session, wanted=wanted, now=now)
    if job.payload["wish"] != wanted.payload["wish"]:
        raise Conflict(f"Another plan of this project is being worked out (job {job.id}). Wait for it, or cancel it.")
    return job


def plan_jobs(session: Session, *, project_id: int) -> PlanJobs:
    """Find the project's newest plan job and its newest plan."""
    newest = select(JobRow).where(JobRow.key == _key(project_id)).order_by(JobRow.id.desc()).limit(1)
    return PlanJobs(
        newest=session.scalar(newest), done=session.scalar(newest.where(JobRow.state == JobState.DONE.value))
    )


def wish_of(payload: Mapping[str, Any]) -> PlanWish:
    """Read a job's wish."""
    told = payload["wish"]
    return PlanWish(**{**told, "models": tuple(told["models"]), "policies": tuple(told["policies"])})


def work_out(
    found: LivePilot, wish: PlanWish, *, name: str, plugins: Plugins, told: Callable[[int], None] = lambda done: None
) -> dict[str, Any]:
    """Play the pilot and price what comes of it; between units of work, as it takes seconds.

    BadInput for a pilot of too few items. `told` hears how many redraws are done.
    """
    rule = checked_rule(wish.confidence, wish.overlap_min, wish.overlap_max)
    ways = ways_of(plugins, rule, models=wish.models, policies=wish.policies)
    # Nothing waits: then as if the pilot were asked once more.
    items = wish.items or found.waiting or found.items
    planned = make_plan(found.pilot, ways, Effort(items=items, resamples=wish.resamples, seed=wish.seed), told)
    batch = found.batch
    price = batch.price_micros if wish.price_micros is None else wish.price_micros
    fees = fee_rule(batch.channel, on=found.read_at.date())
    asked = Asked(items=items, rule=rule, price_micros=price, currency=batch.currency, fees=fees)
    pace = None if found.pace is None else Pace(*found.pace, start=found.read_at)
    place = place_cost_micros(asked.terms(rule))
    return {
        **report(planned, asked, name=name, pace=pace),
        "fee": units(place - price),
        "currency": batch.currency,
        "batch_id": wish.batch_id,
        "terms_of": {"id": batch.id, "name": batch.name, "state": batch.state, "channel": batch.channel},
        "pays_less": batch.pays_less,
        "gold_rate": batch.gold_rate,
        "budget_id": batch.budget_id,
        "waiting": found.waiting,
        "all_items": found.items,
        "all_answers": found.answers,
        "sampled": found.is_sampled,
        "chosen": found.is_chosen,
        "seen_answer_id": found.seen_answer_id,
        "made_at": found.read_at.isoformat(),
        "wish": _as_json(wish),
    }


def choice_of(plan: Mapping[str, Any], place: int) -> Choice:
    """Return the terms of a batch that buys as the plan's line at this place does."""
    point, wish = plan["points"][place], plan["wish"]
    is_fixed = point["policy"] == FIXED
    return Choice(
        price_micros=micros(plan["price"]),
        overlap_min=point["overlap"] if is_fixed else wish["overlap_min"],
        overlap_max=point["overlap"],
        confidence_target=wish["confidence"],
        overlap_policy=point["policy"],
        aggregator=point["model"],
        gold_rate=plan["gold_rate"],
        limit=plan["items"],
        budget_id=plan["budget_id"],
    )


def publish_command(slug: str, choice: Choice) -> str:
    """Write the command that publishes such a batch."""
    options = {
        "price": units(choice.price_micros),
        "overlap-min": choice.overlap_min,
        "overlap-max": choice.overlap_max,
        "confidence": f"{choice.confidence_target:g}",
        "policy": choice.overlap_policy,
        "aggregator": choice.aggregator,
        **({"gold-rate": f"{choice.gold_rate:g}"} if choice.gold_rate else {}),
        "limit": choice.limit,
        "budget": choice.budget_id,
    }
    return " ".join(["crowd-hitl batch publish", slug, *(f"--{name} {value}" for name, value in options.items())])


def _key(project_id: int) -> str:
    return f"{KIND}:{project_id}"


def _as_json(wish: PlanWish) -> dict[str, Any]:
    return {**asdict(wish), "models": list(wish.models), "policies": list(wish.policies)}
