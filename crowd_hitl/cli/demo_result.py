"""What the demo found: everything counted from labels and ledger, compared with the truth that was hidden."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.cli.demo_project import SLUG, DemoProject
from crowd_hitl.cli.opening import Desk
from crowd_hitl.cli.tables import show_pairs, show_table
from crowd_hitl.domain.money import micros, units
from crowd_hitl.domain.rounds import LoopPolicy
from crowd_hitl.services.balances import budget_balance
from crowd_hitl.services.reporting.rounds import CertificateLine, RoundLine, list_certificates, list_rounds
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.project_rows import ItemRow
from crowd_hitl.store.work_rows import AnswerRow, BatchRow

FIXED_OVERLAP = 5


def demo_result(desk: Desk, made: DemoProject, *, seed: int, stopped: str, seconds: float) -> dict[str, Any]:
    """Add up the result; amounts are decimal strings in currency units."""
    labels = desk.uow.read(_labels, project_id=made.project_id)
    balance = desk.uow.read(budget_balance, budget_id=made.budget_id)
    rounds = desk.uow.read(list_rounds, project_id=made.project_id)
    certificates = desk.uow.read(list_certificates, project_id=made.project_id)
    right = sum(made.truth[key] == value for key, value in labels.items())
    price = LoopPolicy.price
    return {
        "seed": seed,
        "project": SLUG,
        "items": len(made.truth),
        "labels": len(labels),
        "label_accuracy": round(right / len(labels), 4) if labels else None,
        "answers": desk.uow.read(_answers, project_id=made.project_id),
        "spent": units(balance.spent_micros),
        "currency": balance.currency,
        "fixed_overlap_cost": units(FIXED_OVERLAP * len(made.truth) * micros(price)),
        "promise": _promise(certificates, wrong_share=1 - right / len(labels) if labels else None),
        "stopped": stopped,
        "rounds": [_round(line) for line in rounds],
        "seconds": round(seconds, 1),
        "workers": {"simulated": len(made.crowd.workers)},
    }


def show_result(result: Mapping[str, Any], *, folder: Path) -> None:
    """Show the result as tables."""
    rounds = [
        {
            "round": line["round"],
            "asked for": line["purpose"],
            "items": line["items"],
            "answers": line["answers"],
            "labels by people": line["human_labels"],
            "by the model": line["model_labels"],
            "model accuracy on gold": _percent(line["model_accuracy"]),
            "spent": f"${line['spent']}",
        }
        for line in result["rounds"]
    ]
    show_table(rounds, title="Rounds")
    promise = result["promise"]
    fixed = result["fixed_overlap_cost"]
    share = float(result["spent"]) / float(fixed)
    show_pairs(
        {
            "Labels": f"{result['labels']:,} of {result['items']:,} items",
            "Accuracy against the hidden truth": _percent(result["label_accuracy"]),
            "Answers bought": f"{result['answers']:,} from {result['workers']['simulated']} simulated workers",
            "Spent": f"${result['spent']}, {share:.1%} of ${fixed} for five answers to every item",
            "Promise": f"at most {promise['max_error']:.1%} wrong, with confidence {1 - promise['delta']:.0%}",
            "Proved by audit": _proof(promise),
            "Stopped": result["stopped"],
            "Took": f"{result['seconds']:.0f} s",
            "Data folder": str(folder),
        },
        title="Result",
    )


def _proof(promise: Mapping[str, Any]) -> str:
    if promise["bound"] is None:
        return "no: there was no audit"
    found = f"{promise['errors']} wrong of {promise['audited']} audited, so at most {promise['bound']:.1%} of the rest"
    held = "it held" if promise["held"] else "it did not hold"
    return f"{'yes' if promise['kept'] else 'no'}: {found}; in truth {held}"


def _promise(certificates: list[CertificateLine], *, wrong_share: float | None) -> dict[str, Any]:
    newest = certificates[0] if certificates else None
    return {
        "max_error": LoopPolicy.max_error,
        "delta": LoopPolicy.delta,
        "kept": newest is not None and newest.kept,
        "bound": None if newest is None else round(newest.bound, 4),
        "audited": 0 if newest is None else newest.audited,
        "errors": 0 if newest is None else newest.errors,
        "held": wrong_share is not None and wrong_share <= LoopPolicy.max_error,
    }


def _round(line: RoundLine) -> dict[str, Any]:
    return {
        "round": line.number,
        "purpose": line.purpose,
        "items": line.items,
        "answers": line.answers,
        "human_labels": line.human_labels,
        "model_labels": line.model_labels,
        "model_accuracy": None if line.gold is None or line.gold.value is None else round(line.gold.value, 4),
        "spent": units(line.spent_micros),
    }


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _labels(session: Session, *, project_id: int) -> dict[str, str]:
    rows = session.execute(
        select(ItemRow.key, LabelRow.value)
        .join(LabelRow, LabelRow.item_id == ItemRow.id)
        .where(ItemRow.project_id == project_id, LabelRow.state == "current")
    )
    return {key: value for key, value in rows}


def _answers(session: Session, *, project_id: int) -> int:
    found = (
        select(func.count())
        .select_from(AnswerRow)
        .join(BatchRow, BatchRow.id == AnswerRow.batch_id)
        .where(BatchRow.project_id == project_id)
    )
    return session.scalar(found) or 0
