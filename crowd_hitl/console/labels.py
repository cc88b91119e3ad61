"""The requester's labels: the filtered list with votes, and one item's history."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from crowd_hitl.console.pages import cursor, head_of, project_page, reading
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.labels import LabelSource
from crowd_hitl.edge.auth import MANAGERS, allow
from crowd_hitl.services.reporting.items import item_history
from crowd_hitl.services.reporting.labels import LabelFilter, count_labels, list_labels


def register(console: Blueprint) -> None:
    """Add the views."""
    console.add_url_rule("/projects/<slug>/labels", view_func=labels_page)
    console.add_url_rule("/projects/<slug>/items/<int:item_id>", view_func=item_page)


@allow(*MANAGERS)
def labels_page(slug: str) -> ResponseReturnValue:
    """List labels with their votes."""
    wanted = _wanted()
    with reading() as view:
        project = head_of(view.session, slug)
        return project_page(
            "labels.html",
            view.session,
            project=project,
            here="labels",
            wanted=wanted,
            sources=[source.value for source in LabelSource],
            found=count_labels(view.session, project=project, wanted=wanted),
            page=list_labels(view.session, project=project, wanted=wanted, after=cursor()),
        )


@allow(*MANAGERS)
def item_page(slug: str, item_id: int) -> ResponseReturnValue:
    """Show how one item's label came to be."""
    with reading() as view:
        project = head_of(view.session, slug)
        item = item_history(view.session, project=project, item_id=item_id)
        return project_page("item.html", view.session, project=project, here="labels", item=item)


def _wanted() -> LabelFilter:
    given = request.args
    return LabelFilter(
        source=given.get("source") or None,
        below=_number("below"),
        words=given.get("words", "").strip(),
        batch_id=_whole("batch"),
        unsure_first=given.get("order") == "unsure",
    )


def _number(name: str) -> float | None:
    text = request.args.get(name, "").strip()
    try:
        return float(text) if text else None
    except ValueError as error:
        raise bad_field(name, expected="a confidence such as 0.95", found=text) from error


def _whole(name: str) -> int | None:
    text = request.args.get(name, "")
    if text and not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise bad_field(name, expected="the number of a batch", found=text)
    return int(text) if text else None
