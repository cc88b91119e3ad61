"""`crowd-hitl worker remove-answers` and `restore-answers`: the preview first, then the deed, and undoing it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import typer

from crowd_hitl.cli.finding import batch_numbered, project_named, worker_named
from crowd_hitl.cli.frame import AsJson, DataFolder, put, say
from crowd_hitl.cli.opening import Desk, open_desk
from crowd_hitl.cli.tables import show_pairs, show_table
from crowd_hitl.domain.errors import BadInput, NotFound, bad_field
from crowd_hitl.domain.money import units
from crowd_hitl.domain.removals import Removal, RemovalPreview
from crowd_hitl.services.previewing import preview_removal
from crowd_hitl.services.replacing import Removed, remove_answers
from crowd_hitl.services.restoring import restore_answers

Worker = Annotated[str, typer.Argument(metavar="WORKER", help="The worker's login or pseudonym.")]
Project = Annotated[str, typer.Option(help="The project's slug.")]
Batch = Annotated[int | None, typer.Option(help="Only the answers in this batch.")]


def remove_worker_answers(
    worker: Worker,
    project: Project,
    batch: Batch = None,
    without_replacement: Annotated[
        bool, typer.Option("--without-replacement", help="Ask nothing again: the overlap is lowered.")
    ] = False,
    undecided: Annotated[str, typer.Option(help="What becomes of undecided answers: approve or reject.")] = "approve",
    reason: Annotated[str, typer.Option(help="Why; the worker of a rejected answer reads it.")] = Removal.reason,
    preview: Annotated[bool, typer.Option("--preview", help="Only say what it would do.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Take a worker's answers out; they stay paid. Labels are agreed anew, places are asked again."""
    if undecided not in ("approve", "reject"):
        raise bad_field("undecided", expected="approve or reject", found=undecided)
    with open_desk(data) as desk:
        name, removal = _removal(desk, worker=worker, project=project, batch=batch)
        removal = replace(
            removal, replaced=not without_replacement, reject_undecided=undecided == "reject", reason=reason
        )
        found = preview_removal(desk.uow, removal=removal, plugins=desk.plugins)
        if preview:
            _show_preview(found, name=name, as_json=as_json)
            return
        if not yes:
            if as_json:
                raise BadInput("With --json, say --yes to do it, or --preview to see what it would do.")
            _show_preview(found, name=name, as_json=False)
            typer.confirm("Take these answers out?", abort=True)
        done = remove_answers(desk.uow, removal=removal, plugins=desk.plugins, removed_by=None)
    _show_done(done, as_json=as_json)


def restore_worker_answers(
    worker: Worker, project: Project, batch: Batch = None, data: DataFolder = None, as_json: AsJson = False
) -> None:
    """Put answers back that were taken out, where nobody else has filled the place."""
    with open_desk(data) as desk:
        _, removal = _removal(desk, worker=worker, project=project, batch=batch)
        done = restore_answers(
            desk.uow, worker_id=removal.worker_id, project_id=removal.project_id, batch_id=removal.batch_id
        )
    shown = {"restored": done.restored, "place_taken": done.left, "returned": _amounts(done.returned)}
    if as_json:
        put(shown)
    else:
        show_pairs({**shown, "returned": _money(done.returned)})


def _removal(desk: Desk, *, worker: str, project: str, batch: int | None) -> tuple[str, Removal]:
    organisation_id = desk.organisation_id
    row = desk.uow.read(worker_named, organisation_id=organisation_id, name=worker)
    project_row = desk.uow.read(project_named, organisation_id=organisation_id, slug=project)
    if batch is not None:
        found = desk.uow.read(batch_numbered, organisation_id=organisation_id, batch_id=batch)
        if found.project_id != project_row.id:
            raise NotFound(f"Batch {batch} is not one of {project}'s. See: crowd-hitl batch list {project}")
    return row.public_id, Removal(worker_id=row.id, project_id=project_row.id, batch_id=batch)


def _show_preview(found: RemovalPreview, *, name: str, as_json: bool) -> None:
    if as_json:
        put(
            {
                "sentence": found.sentence(name),
                "answers": found.answers,
                "undecided": found.undecided,
                "flips": found.flips,
                "withdrawn": found.withdrawn,
                "below_target": found.below_target,
                "reissued": found.reissued,
                "not_reissued": found.not_reissued,
                "costs": _amounts(found.costs),
                "affordable": found.affordable,
                "examples": [vars(example) for example in found.examples],
            }
        )
        return
    typer.echo(found.sentence(name) + ".")
    pairs: dict[str, object] = {
        "answers taken out": found.answers,
        "of them undecided": found.undecided,
        "labels withdrawn": found.withdrawn,
        "labels below target": found.below_target,
        "not asked again": found.not_reissued,
    }
    for line in found.budgets:
        lacks = f", lacks {units(line.missing_micros)}" if line.missing_micros else ""
        pairs[f"budget {line.name}"] = f"{units(line.available_micros)} {line.currency} left{lacks}"
    show_pairs(pairs)
    if found.examples:
        rows = [
            {"item": one.key, "label": one.before, "would be": one.after or "–", "confidence": one.confidence}
            for one in found.examples
        ]
        show_table(rows)


def _show_done(done: Removed, *, as_json: bool) -> None:
    if as_json:
        put({**vars(done), "costs": _amounts(done.costs)})
        return
    pairs: dict[str, object] = {"answers taken out": done.removed, "rejected": done.rejected}
    pairs |= {"asked again": done.reissued, "set aside": _money(done.costs)}
    show_pairs(pairs | {"labels flipped": done.flips, "labels withdrawn": done.withdrawn})
    if done.left:
        say(f"{done.left} answers changed while this was done. Say the same again to take them out too.")


def _amounts(sums: Mapping[str, int]) -> dict[str, Any]:
    return {currency: units(micros) for currency, micros in sorted(sums.items()) if micros}


def _money(sums: Mapping[str, int]) -> str:
    return " and ".join(f"{amount} {currency}" for currency, amount in _amounts(sums).items()) or "nothing"
