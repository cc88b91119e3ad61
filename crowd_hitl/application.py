"""The web application: the REST API and the pages over one house. Commands that serve nothing do not import it."""

from pathlib import Path

from apiflask import APIFlask

from crowd_hitl import __version__
from crowd_hitl.api.blueprint import make_api
from crowd_hitl.bootstrap import build_house
from crowd_hitl.console.blueprint import make_console
from crowd_hitl.edge.auth import public, refuse_undeclared
from crowd_hitl.edge.fitting import fit_edge
from crowd_hitl.settings import Settings


def create_app(settings: Settings | None = None) -> APIFlask:
    """Build the web application: the REST API and the pages over one house."""
    house = build_house(settings)
    app = APIFlask(
        "crowd_hitl",
        title="crowd_hitl",
        version=__version__,
        docs_path=None,
        spec_path="/openapi.json",
        static_folder=str(Path(__file__).parent / "static"),
        static_url_path="/static",
    )
    fit_edge(app, house=house)
    app.add_url_rule("/healthz", "healthz", public(healthz))
    for blueprint in (*make_api(house), make_console(house)):
        app.register_blueprint(blueprint)
    refuse_undeclared(app)
    return app


def healthz() -> dict[str, str]:
    """Say that the process answers requests."""
    return {"status": "ok", "version": __version__}
