"""Who may do what: roles, and nothing unless allowed."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """The three roles of an account."""

    ADMIN = "admin"
    REQUESTER = "requester"
    WORKER = "worker"


@dataclass(frozen=True)
class Actor:
    """The signed-in account behind a request; `worker_id` is set for those who may answer."""

    account_id: int
    organisation_id: int
    role: Role
    login: str
    worker_id: int | None = None

    @property
    def manages(self) -> bool:
        """Say whether this account runs projects and money."""
        return self.role in (Role.ADMIN, Role.REQUESTER)
