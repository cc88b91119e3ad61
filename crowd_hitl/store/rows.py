"""The base of all rows: naming of constraints, column shorthands, partial unique indexes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, Index, Integer, MetaData, String, TypeDecorator, text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

# SQLite numbers its rows by itself only when the key is a plain INTEGER.
BigId = BigInteger().with_variant(Integer, "sqlite")


class Utc(TypeDecorator[datetime]):
    """A moment in UTC; SQLite forgets the zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without a zone: it could mean anything."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Row(DeclarativeBase):
    """The declarative base."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads this attribute by name
        datetime: Utc(),
        dict[str, Any]: JSON(none_as_null=True),
        list[Any]: JSON(none_as_null=True),
        str: String(255),
    }


Key = Annotated[int, mapped_column(BigId, primary_key=True)]
Micros = Annotated[int, mapped_column(BigInteger)]
Count = Annotated[int, mapped_column(Integer, default=0)]
Long = Annotated[str, mapped_column(String)]


def to(table: str, *, index: bool = False, nullable: bool = False, unique: bool = False) -> Any:
    """Make a foreign key column to a table's id."""
    return mapped_column(BigId, ForeignKey(f"{table}.id"), index=index, nullable=nullable, unique=unique)


def unique_while(name: str, *columns: str, states: Sequence[str]) -> Index:
    """Make a unique index that binds only while `state` is one of these."""
    listed = ", ".join(f"'{state}'" for state in states)
    where = text(f"state IN ({listed})")
    return Index(name, *columns, unique=True, sqlite_where=where, postgresql_where=where)


def index_while_one_of(name: str, *columns: str, states: Sequence[str]) -> Index:
    """Make an index of only those rows that are in one of these states."""
    listed = ", ".join(f"'{state}'" for state in states)
    where = text(f"state IN ({listed})")
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


def index_while(name: str, *columns: str, state: str) -> Index:
    """Make an index of only those rows that are in this state."""
    where = text(f"state = '{state}'")
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)
