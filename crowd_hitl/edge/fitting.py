"""Puts the edge on an application, in the order in which a request meets it."""

from apiflask import APIFlask

from crowd_hitl.edge.auth import install_auth
from crowd_hitl.edge.bodies import EdgeRequest
from crowd_hitl.edge.headers import install_headers
from crowd_hitl.edge.house import EXTENSION, House
from crowd_hitl.edge.limits import install_limits
from crowd_hitl.edge.problems import install_problems


def fit_edge(app: APIFlask, *, house: House) -> None:
    """Give the application its house, headers, problems, limits and guard.

    Call it before blueprints are registered, and `auth.refuse_undeclared` after.
    """
    app.request_class = EdgeRequest
    app.extensions[EXTENSION] = house
    install_headers(app)
    install_problems(app)
    install_limits(app, settings=house.settings)
    install_auth(app, house=house)
