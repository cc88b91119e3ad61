"""`crowd-hitl serve`: the pages and the REST API, with background work beside them."""

import os
import socket
from typing import Annotated

import typer
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels
from sqlalchemy import select

from crowd_hitl.cli.entering import Entry, make_account
from crowd_hitl.cli.frame import AsJson, DataFolder, put, say
from crowd_hitl.cli.opening import open_desk, settings_for
from crowd_hitl.domain.accounts import Role
from crowd_hitl.domain.errors import BadInput, Unusable
from crowd_hitl.settings import Settings
from crowd_hitl.store.account_rows import AccountRow

APPLICATION = "crowd_hitl.cli.serving:make_served_app"
FIRST_LOGIN = "admin"
STOP_SECONDS = 10
# Granian logs to standard output, which is for results; and it warns of thread counts that we chose.
STDERR = {"formatter": "generic", "class": "logging.StreamHandler", "stream": "ext://sys.stderr"}
LOGGING = {"handlers": {"console": STDERR, "access": STDERR}}


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 lets others in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8000,
    no_jobs: Annotated[bool, typer.Option("--no-jobs", help="No background work in this server.")] = False,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Serve the pages and the REST API until Ctrl-C; the first start makes an admin and shows its password once."""
    settings = settings_for(data)
    if settings.processes > 1 and settings.database_url is None:
        raise BadInput("CROWD_HITL_PROCESSES: several processes need PostgreSQL (CROWD_HITL_DATABASE_URL).")
    port = free_port(host, port)
    first = ready_house(settings)
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    announce(address, first, as_json=as_json)
    listen(settings, host=host, port=port, no_jobs=no_jobs)


def free_port(host: str, port: int) -> int:
    """Return the port if it can be listened on; Unusable says why not.

    The web server sets SO_REUSEPORT, so a second one would share the port in silence: we ask without it.
    """
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(target)
            chosen: int = probe.getsockname()[1]
            return chosen
    except OSError as error:
        reason = error.strerror or str(error)
        raise Unusable(
            f"Cannot listen on {host} port {port}: {reason}. Stop what uses it, or choose another with --port."
        ) from error


def ready_house(settings: Settings) -> Entry | None:
    """See that folder and database can be used; at the very first start make an admin and return its password."""
    with open_desk(settings.data) as desk:
        someone = desk.uow.read(lambda session: session.scalar(select(AccountRow.id).limit(1)))
        if someone is not None:
            return None
        return make_account(
            desk, login=FIRST_LOGIN, name="Administrator", role=Role.ADMIN, password=None, with_token=False
        )


def announce(address: str, first: Entry | None, *, as_json: bool) -> None:
    """Say where it is served and, once, how to sign in."""
    if as_json:
        admin = None if first is None else {"login": first.login, "password": first.password}
        put({"address": address, "admin": admin})
    if first is not None:
        say(f"First start: sign in as '{first.login}' with the password {first.password} (it is not shown again).")
    say(f"Serving {address} – Ctrl-C stops.")


def listen(settings: Settings, *, host: str, port: int, no_jobs: bool = False) -> None:
    """Serve until a signal ends it. The web processes read the same settings from the environment."""
    os.environ["CROWD_HITL_DATA"] = str(settings.data)
    if no_jobs:
        os.environ["CROWD_HITL_JOBS"] = "off"
    Granian(
        APPLICATION,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=settings.processes,
        blocking_threads=settings.threads,
        websockets=False,
        log_level=LogLevels.error,
        log_dictconfig=LOGGING,
        workers_kill_timeout=STOP_SECONDS,
    ).serve()
