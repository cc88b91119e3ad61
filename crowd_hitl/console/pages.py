"""What every view needs: one snapshot of the store, the project it is about, and where it may send people on to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from flask import g, render_template, request
from sqlalchemy.orm import Session

from crowd_hitl.edge.auth import current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services.reporting.projects import ProjectHead, other_projects, project_head

LONGEST_PATH = 1000


@dataclass(frozen=True)
class View:
    """One page being made: everything on it is read in the same snapshot, at the same moment."""

    session: Session
    now: datetime


@contextmanager
def reading() -> Iterator[View]:
    """Open the snapshot a page is made from."""
    uow = current_house().uow
    with uow.reading() as session:
        now = uow.now(session)
        g.now = now
        yield View(session=session, now=now)


def head_of(session: Session, slug: str) -> ProjectHead:
    """Return the project of the signed-in account's organisation."""
    return project_head(session, organisation_id=current_actor().organisation_id, slug=slug)


def project_page(template: str, session: Session, *, project: ProjectHead, here: str, **values: object) -> str:
    """Render a page of a project, with its rail."""
    others = other_projects(session, organisation_id=current_actor().organisation_id, but=project.id)
    return render_template(template, project=project, here=here, others=others, **values)


def cursor() -> str | None:
    """Return where the page asked for starts."""
    return request.args.get("after") or None


def local_path(path: str | None, *, otherwise: str = "") -> str:
    """Return a path of this site, or `otherwise`: a sign-in page that sends people elsewhere helps those who phish."""
    if not path or len(path) > LONGEST_PATH or not path.startswith("/") or path.startswith(("//", "/\\")):
        return otherwise
    if any(ord(letter) < 32 for letter in path) or "\\" in path:
        return otherwise
    parts = urlsplit(path)
    return path if not parts.scheme and not parts.netloc else otherwise
