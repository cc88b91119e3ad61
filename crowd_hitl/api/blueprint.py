"""All of the API, ready to be registered: one blueprint for each resource, and the images of items."""

import json
import re
from typing import cast

from apiflask import APIBlueprint, APIFlask
from flask import Blueprint, current_app, request
from werkzeug.exceptions import UnsupportedMediaType

from crowd_hitl.api.answers import answers
from crowd_hitl.api.appeals import appeals
from crowd_hitl.api.batches import batches
from crowd_hitl.api.blocks import blocks
from crowd_hitl.api.budgets import budgets
from crowd_hitl.api.checks import checks
from crowd_hitl.api.describing import describe
from crowd_hitl.api.gold import gold
from crowd_hitl.api.growing import growing
from crowd_hitl.api.items import items
from crowd_hitl.api.jobs import jobs
from crowd_hitl.api.labels import labels
from crowd_hitl.api.loops import loops
from crowd_hitl.api.payouts import payouts
from crowd_hitl.api.plans import plans
from crowd_hitl.api.projects import projects
from crowd_hitl.api.qualifications import qualifications
from crowd_hitl.api.removals import removals
from crowd_hitl.api.reviews import reviews
from crowd_hitl.api.rules import rules
from crowd_hitl.api.sittings import sittings
from crowd_hitl.api.tokens import tokens
from crowd_hitl.api.work import work
from crowd_hitl.api.workers import workers
from crowd_hitl.domain.errors import BadInput, bad_field
from crowd_hitl.edge.house import House
from crowd_hitl.edge.limits import UPLOAD_ATTRIBUTE
from crowd_hitl.edge.media import media

RESOURCES = (
    *(tokens, work, sittings, projects, items, batches, growing, reviews, labels, answers, appeals),
    *(budgets, payouts, workers, loops, checks),
    *(rules, removals, jobs, blocks, qualifications, gold, plans),
)
# Escapes that may stand for NUL or for half a character; nearly no body has one, so nearly none is looked through.
SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
NAMES = frozenset(resource.name for resource in RESOURCES)


def make_api(house: House) -> list[APIBlueprint | Blueprint]:
    """Return the blueprints of the API; the application they are registered on must be fitted with the edge."""
    front = Blueprint("api", __name__)
    front.record(lambda state: describe(cast(APIFlask, state.app)))
    front.before_app_request(_read_body)
    return [front, *RESOURCES, media]


def _read_body() -> None:
    """Read a JSON body once, before the schemas do; they find it in the request.

    Refuses one that does not say it is JSON (415): a form of another site can send that without asking first.
    """
    if request.blueprint not in NAMES or request.method not in ("POST", "PUT", "PATCH"):
        return
    view = current_app.view_functions[request.endpoint or ""]
    if hasattr(view, UPLOAD_ATTRIBUTE):
        return
    # A form was read into fields by the guard; its length still says that there was a body.
    if not (request.content_length or request.get_data()):
        return  # clients name all kinds of types for no body at all
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Send the body as application/json.")
    try:
        found = request.get_json()
    except RecursionError as error:
        raise BadInput("The body is nested too deeply.") from error
    if not isinstance(found, dict):
        raise bad_field("body", expected="a JSON object", found=type(found).__name__)
    if SUSPECT.search(request.get_data()) and not _can_be_stored(found):
        raise bad_field("body", expected="text without NUL and half characters", found="one of them")


def _can_be_stored(found: object) -> bool:
    """Say whether all texts in a body are texts that a database and a page can hold."""
    written = json.dumps(found, ensure_ascii=False)
    try:
        written.encode()
    except UnicodeEncodeError:
        return False
    return not ESCAPED_NUL.search(written)
