"""Who is asking, and may they: bearer tokens for programs, sessions for pages, nothing unless declared.

Every endpoint declares its roles with `allow` or is `public`; one that declares nothing stops the application
from starting, and is refused should it run all the same.
"""

from collections.abc import Callable, Hashable
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any, TypeVar

from flask import Flask, current_app, g, request, session
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFError, CSRFProtect

from crowd_hitl.domain.accounts import Actor, Role
from crowd_hitl.domain.errors import NotAllowed, NotFound, NotSignedIn, bad_field
from crowd_hitl.edge.house import House
from crowd_hitl.edge.sessions import LightSessions
from crowd_hitl.services import admitting

View = TypeVar("View", bound=Callable[..., Any])

ROLES_ATTRIBUTE = "allowed_roles"
CSRF_EXEMPT_ATTRIBUTE = "keeps_no_session"
MEMORY = "crowd_hitl.remembered_actors"
# A revoked token, a disabled account or a changed role still counts for this long, in each process.
REMEMBER_SECONDS = 5.0
REMEMBERED_MAX = 10_000
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# They come from libraries, hold nothing of anybody's, and cannot carry our decorators.
PUBLIC_ENDPOINTS = frozenset({"static", "openapi.spec"})
LARGEST_ID = 2**63 - 1

MANAGERS = (Role.REQUESTER, Role.ADMIN)
EVERYBODY = (Role.WORKER, Role.REQUESTER, Role.ADMIN)


def allow(*roles: Role) -> Callable[[View], View]:
    """Declare which roles may use this endpoint."""

    def declare(view: View) -> View:
        setattr(view, ROLES_ATTRIBUTE, frozenset(roles))
        return view

    return declare


def public(view: View) -> View:
    """Declare an endpoint open to everybody; unsafe requests to it still need the page's CSRF token."""
    setattr(view, ROLES_ATTRIBUTE, frozenset())
    return view


def keeps_no_session(view: View) -> View:
    """Declare that a public endpoint neither reads nor starts a session, so it needs no CSRF token."""
    setattr(view, CSRF_EXEMPT_ATTRIBUTE, True)
    return view


def current_actor() -> Actor:
    """Return who is asking; NotSignedIn if nobody is known."""
    actor: Actor | None = g.get("actor")
    if actor is None:
        raise NotSignedIn("Sign in, or send an access token as 'Authorization: Bearer TOKEN'.")
    return actor


def current_worker_id() -> int:
    """Return the worker who is asking; NotAllowed for an account that does not answer."""
    worker_id = current_actor().worker_id
    if worker_id is None:
        raise NotAllowed("This account does not answer tasks.")
    return worker_id


def bearer_token() -> str | None:
    """Return the bearer token of this request; NotSignedIn when the header holds something else."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotSignedIn("The Authorization header is expected to be 'Bearer TOKEN'.")
    return token.strip()


def start_session(actor: Actor) -> None:
    """Sign this browser in; whatever its session held before is dropped."""
    session.clear()
    session.permanent = True
    login_user(SessionUser(actor))
    g.actor = actor


def end_session() -> None:
    """Sign this browser out."""
    logout_user()
    session.clear()
    g.pop("actor", None)


def forget_token(token: str) -> None:
    """Drop what this process remembers of a token, so that its end is felt here at once."""
    memory: Remembered = current_app.extensions[MEMORY]
    memory.drop(("token", admitting.hash_token(token)))


class SessionUser:
    """What Flask-Login keeps of a signed-in account: its id; the rest is looked up again."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, actor: Actor) -> None:
        self.actor = actor

    def get_id(self) -> str:
        """Return what the session stores."""
        return str(self.actor.account_id)


class Remembered:
    """Actors looked up in the last seconds: most requests of one client follow each other closely."""

    def __init__(self, *, seconds: float = REMEMBER_SECONDS) -> None:
        self._seconds = seconds
        self._actors: dict[Hashable, tuple[float, Actor]] = {}

    def get(self, key: Hashable, *, otherwise: Callable[[], Actor]) -> Actor:
        """Return the actor under this key, from memory or from `otherwise`, whose errors are not kept."""
        found = self._actors.get(key)
        if found is not None and monotonic() < found[0]:
            return found[1]
        actor = otherwise()
        if len(self._actors) >= REMEMBERED_MAX:
            self._actors.clear()
        self._actors[key] = (monotonic() + self._seconds, actor)
        return actor

    def drop(self, key: Hashable) -> None:
        """Forget one key."""
        self._actors.pop(key, None)


def install_auth(app: Flask, *, house: House) -> None:
    """Set up sessions, CSRF and the guard that stands before every view."""
    settings = house.settings
    app.config.update(
        SECRET_KEY=app.config.get("SECRET_KEY") or settings.key(),
        SESSION_COOKIE_NAME="crowd_hitl",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=settings.session_hours),
        # The guard decides when the token is needed; it lives as long as the session, as labelling takes hours.
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.session_interface = LightSessions()
    memory = app.extensions[MEMORY] = Remembered()
    csrf = CSRFProtect(app)
    logins = LoginManager(app)

    def load_user(user_id: str) -> SessionUser | None:
        try:
            return SessionUser(_by_account(house, memory=memory, account_id=int(user_id)))
        except (NotSignedIn, ValueError):
            return None

    logins.user_loader(load_user)
    app.before_request(partial(_guard, app, house=house, memory=memory, csrf=csrf))


def _guard(app: Flask, *, house: House, memory: "Remembered", csrf: CSRFProtect) -> None:
    """Stand before every view: nothing passes that its endpoint does not allow."""
    view = app.view_functions.get(request.endpoint or "")
    if view is None:
        return  # routing answers with 404 or 405
    _refuse_impossible_arguments()
    roles = _declared(request.endpoint or "", view)
    if roles is None:
        raise NotAllowed("This endpoint is closed.")
    token = bearer_token()
    g.actor = _who(token, house=house, memory=memory)
    if roles and current_actor().role not in roles:
        raise NotAllowed(f"The role {current_actor().role} may not do this.")
    if token is None and not getattr(view, CSRF_EXEMPT_ATTRIBUTE, False):
        _check_csrf(csrf)


def undeclared_endpoints(app: Flask) -> list[str]:
    """List the endpoints that declare no role."""
    return sorted(name for name, view in app.view_functions.items() if _declared(name, view) is None)


def refuse_undeclared(app: Flask) -> None:
    """Stop the application from starting with an endpoint that nobody thought about."""
    open_doors = undeclared_endpoints(app)
    if open_doors:
        raise RuntimeError(f"endpoints without a declared role: {', '.join(open_doors)}")


def _declared(endpoint: str, view: Callable[..., Any]) -> frozenset[Role] | None:
    if endpoint in PUBLIC_ENDPOINTS or endpoint.endswith(".static"):
        return frozenset()
    roles: frozenset[Role] | None = getattr(view, ROLES_ATTRIBUTE, None)
    return roles


def _who(token: str | None, *, house: House, memory: Remembered) -> Actor | None:
    if token is not None:
        key = ("token", admitting.hash_token(token))
        return memory.get(key, otherwise=lambda: house.uow.read(admitting.actor_by_token, token=token))
    user: Any = current_user
    return user.actor if user.is_authenticated else None


def _by_account(house: House, *, memory: Remembered, account_id: int) -> Actor:
    key = ("account", account_id)
    return memory.get(key, otherwise=lambda: house.uow.read(admitting.actor_by_account, account_id=account_id))


def _check_csrf(csrf: Any) -> None:
    if request.method in SAFE_METHODS:
        return
    try:
        csrf.protect()
    except CSRFError as error:
        raise NotAllowed("The page's security token is missing or old. Reload the page and try again.") from error


def _refuse_impossible_arguments() -> None:
    """Refuse what no row can hold before a database is asked: ids beyond 64 bits, NUL in texts."""
    for value in (request.view_args or {}).values():
        if isinstance(value, int) and value > LARGEST_ID:
            raise NotFound("There is no such thing.")
        if isinstance(value, str) and "\x00" in value:
            raise NotFound("There is no such thing.")
    # A form's fields are only read where there is one: an import's body is a stream, and is not touched.
    fields = request.form if request.mimetype == "application/x-www-form-urlencoded" else {}
    for name, value in (*request.args.items(), *fields.items()):
        if "\x00" in value:
            raise bad_field(name, expected="text without NUL", found="one")
