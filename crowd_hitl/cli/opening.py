"""Opening the house for a command: settings from --data, the default organisation, and what may be wrong with them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from crowd_hitl.bootstrap import House, build_house
from crowd_hitl.domain.errors import BadInput, FieldProblem, Unusable
from crowd_hitl.domain.ports import Plugins
from crowd_hitl.services.admitting import default_organisation
from crowd_hitl.settings import Settings
from crowd_hitl.store.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Desk:
    """The opened house, with the organisation whose admin the command is."""

    house: House
    organisation_id: int

    @property
    def uow(self) -> UnitOfWork:
        """The unit of work."""
        return self.house.uow

    @property
    def plugins(self) -> Plugins:
        """The plug-ins."""
        return self.house.plugins


def settings_for(data: Path | None) -> Settings:
    """Read the settings, with this data folder if one was named; BadInput names each setting that is wrong."""
    try:
        return Settings() if data is None else Settings(data=data)
    except ValidationError as error:
        problems = [
            FieldProblem(
                field="CROWD_HITL_" + "_".join(str(part) for part in one["loc"]).upper(),
                expected=one["msg"],
                found=str(one["input"])[:80],
            )
            for one in error.errors()
        ]
        first = problems[0]
        raise BadInput(f"Setting {first.field}: {first.expected}, found '{first.found}'.", problems=problems) from error


@contextmanager
def open_house(data: Path | None) -> Iterator[House]:
    """Open the house and close its connections after the block; Unusable when folder or database cannot be used."""
    settings = settings_for(data)
    with readable_faults(settings):
        house = build_house(settings)
        try:
            yield house
        finally:
            house.uow.engine.dispose()


@contextmanager
def open_desk(data: Path | None) -> Iterator[Desk]:
    """Open the house and sit down as the default organisation's admin."""
    with open_house(data) as house:
        organisation = house.uow.run(default_organisation)
        yield Desk(house=house, organisation_id=organisation.id)


@contextmanager
def readable_faults(settings: Settings) -> Iterator[None]:
    """Turn what a database or folder refuses into one line that says where it is."""
    place = "the database of CROWD_HITL_DATABASE_URL" if settings.database_url else f"the data folder {settings.data}"
    if settings.data.exists() and not os.access(settings.data, os.W_OK | os.X_OK):
        raise Unusable(f"The data folder {settings.data} cannot be written to. Name another with --data.")
    try:
        yield
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split())
        raise Unusable(f"The database cannot be used ({reason}). It is {place}.") from error
