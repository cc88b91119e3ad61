"""Joins the pages into one blueprint: their views, the words they are written in, their error page."""

from datetime import datetime

from flask import Blueprint, Flask, g, render_template, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from crowd_hitl.console import (
    batches,
    blocking,
    charts,
    gates,
    gold,
    growing,
    jobs,
    labels,
    loop,
    money,
    paying,
    planning,
    projects,
    reviewing,
    rules,
    signing_in,
    words,
    working,
)
from crowd_hitl.console.assets import Assets
from crowd_hitl.console.formatting import FILTERS
from crowd_hitl.console.pages import local_path
from crowd_hitl.domain.accounts import Actor
from crowd_hitl.edge.house import House
from crowd_hitl.edge.media import audio_url, image_url
from crowd_hitl.edge.problems import Problem, show_errors_as_pages

PARTS = (
    signing_in,
    working,
    projects,
    batches,
    labels,
    loop,
    money,
    growing,
    paying,
    jobs,
    gates,
    reviewing,
    rules,
    blocking,
    gold,
    planning,
)


def make_console(house: House) -> Blueprint:
    """Build the pages over one house; the application must be fitted with the edge."""
    console = Blueprint("console", __name__, template_folder="templates", url_prefix="")
    assets = Assets()
    for part in PARTS:
        part.register(console)
    for name, written in FILTERS.items():
        console.add_app_template_filter(written, name)
    console.add_app_template_global(assets.url, "asset")
    console.add_app_template_global(image_url, "image_url")
    console.add_app_template_global(audio_url, "audio_url")
    console.add_app_template_global(charts.chart_of, "chart_of")
    for word in words.FILTERS:
        console.add_app_template_filter(word, word.__name__)

    @console.app_context_processor
    def shared() -> dict[str, object]:
        actor: Actor | None = g.get("actor")
        now: datetime | None = g.get("now")
        return {"actor": actor, "now": now}

    @console.record
    def show_errors(state: BlueprintSetupState) -> None:
        assert isinstance(state.app, Flask)
        show_errors_as_pages(state.app, error_page)

    return console


def error_page(problem: Problem) -> ResponseReturnValue:
    """Tell a person what went wrong, in the look of the pages; who is not signed in is asked to."""
    if request.method == "GET" and request.headers.get("HX-Request"):
        # An error page does not fit into the list that was asked for: the browser goes to it instead.
        return "", 200, {"HX-Redirect": request.full_path}
    if problem.status == 401 and request.method == "GET":
        return signing_in.ask_to_sign_in(next_path=local_path(request.full_path.rstrip("?")))
    page = render_template("error.html", problem=problem, title=words.error_title(problem.status) or problem.title)
    headers = {name: value for name, value in problem.headers.items() if name.lower() != "www-authenticate"}
    return page, problem.status, headers
