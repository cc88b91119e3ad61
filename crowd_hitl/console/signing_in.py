"""Signing in and out, and the front door."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import TooManyRequests

from crowd_hitl.console.pages import local_path
from crowd_hitl.domain.accounts import Actor
from crowd_hitl.domain.errors import NotSignedIn
from crowd_hitl.edge.auth import EVERYBODY, allow, current_actor, end_session, public, start_session
from crowd_hitl.edge.house import current_house
from crowd_hitl.edge.limits import count_sign_in
from crowd_hitl.services import admitting


def register(console: Blueprint) -> None:
    """Add the views."""
    console.add_url_rule("/", view_func=front_door)
    console.add_url_rule("/signin", view_func=sign_in_form)
    console.add_url_rule("/signin", view_func=sign_in, methods=["POST"])
    console.add_url_rule("/signout", view_func=sign_out, methods=["POST"])


@public
def front_door() -> ResponseReturnValue:
    """Send people to where their work is."""
    try:
        return redirect(home_of(current_actor()))
    except NotSignedIn:
        return redirect(url_for("console.sign_in_form"))


@public
def sign_in_form() -> ResponseReturnValue:
    """Ask for login and password."""
    return render_template("signin.html", next_path=local_path(request.args.get("next")), login="", error="")


@public
def sign_in() -> ResponseReturnValue:
    """Sign in and go on to where one wanted to be; what was wrong is said in place."""
    login = request.form.get("login", "").strip().lower()
    next_path = local_path(request.form.get("next"))
    try:
        count_sign_in(login)
        actor = current_house().uow.read(admitting.sign_in, login=login, password=request.form.get("password", ""))
    except NotSignedIn as error:
        return render_template("signin.html", next_path=next_path, login=login, error=str(error)), 401
    except TooManyRequests as error:
        return render_template("signin.html", next_path=next_path, login=login, error=error.description), 429
    start_session(actor)
    return redirect(next_path or home_of(actor), code=303)


@allow(*EVERYBODY)
def sign_out() -> ResponseReturnValue:
    """End this browser's session."""
    end_session()
    return redirect(url_for("console.sign_in_form"), code=303)


def ask_to_sign_in(*, next_path: str) -> ResponseReturnValue:
    """Send somebody who is not known to the sign-in page, and back afterwards."""
    return redirect(url_for("console.sign_in_form", next=next_path or None))


def home_of(actor: Actor) -> str:
    """Return the first page of an account."""
    return url_for("console.projects_page" if actor.manages else "console.work_page")
