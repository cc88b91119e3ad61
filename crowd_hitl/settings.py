"""Every setting, with its default and one line of why; read from the environment as CROWD_HITL_<NAME>."""

import secrets
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from crowd_hitl.domain.errors import Unusable
from crowd_hitl.store.engine import sqlite_url


class Settings(BaseSettings):
    """All there is to set. docs/operators.md lists them; a test holds the two together."""

    model_config = SettingsConfigDict(env_prefix="CROWD_HITL_", extra="ignore")

    data: Path = Field(
        default=Path("crowd_hitl_data"), description="Folder for the embedded database, media and models."
    )
    database_url: str | None = Field(
        default=None, description="postgresql://… to grow; empty means SQLite in the data folder."
    )
    storage: str | None = Field(
        default=None, description="Where media and models live: a folder or s3://bucket/prefix."
    )
    media_buckets: str = Field(
        default="", description="S3 buckets that items may link to or be copied from, separated by commas."
    )
    storage_endpoint_url: str | None = Field(default=None, description="An S3-compatible server other than Amazon's.")
    secret_key: str | None = Field(
        default=None, description="Signs sessions; empty means one is made in the data folder."
    )
    session_hours: int = Field(default=12, description="How long a sign-in lasts.")
    secure_cookies: bool = Field(default=False, description="Send cookies over HTTPS only; switch on behind TLS.")
    max_body_bytes: int = Field(
        default=1_000_000, description="The largest JSON body; a larger one is refused with 413."
    )
    max_upload_bytes: int = Field(default=1_000_000_000, description="The largest import file sent through the API.")
    rate_limits: bool = Field(default=True, description="Limit sign-in attempts; off only in tests and benchmarks.")
    sign_in_limit: str = Field(
        default="10 per minute", description="Sign-in attempts allowed per address and per login."
    )
    jobs: bool = Field(default=True, description="Run background jobs in `serve`; off where `work` does it.")
    queue_url: str | None = Field(
        default=None, description="redis://… for the queue of jobs; empty means the database, or a file beside SQLite."
    )
    tick_seconds: float = Field(
        default=2.0, gt=0, description="Pause between looks for work that is due (expiry, agreement, loops)."
    )
    job_threads: int = Field(
        default=2, ge=1, description="Jobs run at a time per process; one is kept for what is no import or export."
    )
    job_lease_seconds: float = Field(
        default=30.0, gt=0, description="A job whose process gave no sign of life for so long is run by another."
    )
    appeal_days: float = Field(
        default=7.0, gt=0, le=365, description="Days to appeal against a rejection, and to decide on the appeal."
    )
    pool_size: int = Field(default=10, description="Open connections to PostgreSQL per process.")
    threads: int = Field(default=8, description="Requests served at a time per process.")
    processes: int = Field(default=1, description="Web processes; more than one needs PostgreSQL.")

    def url(self) -> str:
        """Return the database's URL, making the data folder if the database is embedded."""
        self.make_data_folder()
        return self.database_url or sqlite_url(self.data)

    def storage_location(self) -> str:
        """Return where media and models live."""
        return self.storage or str(self.data / "storage")

    def queue_location(self) -> str:
        """Return where the queue of jobs lives."""
        return self.queue_url or self.database_url or str(self.data / "queue.sqlite")

    def make_data_folder(self) -> None:
        """Make the data folder, readable by its owner only; Unusable when that is not possible."""
        try:
            self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise Unusable(f"The data folder {self.data} cannot be made: {error.strerror}.") from error

    def key(self) -> str:
        """Return the key that signs sessions: the one that was set, or one kept in the data folder."""
        if self.secret_key:
            return self.secret_key
        self.make_data_folder()
        path = self.data / "secret_key"
        if not path.exists():
            fresh = path.with_suffix(f".{secrets.token_hex(4)}")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_urlsafe(48))
            try:
                # link() refuses to replace: of two processes that start together, one wins.
                path.hardlink_to(fresh)
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        return path.read_text().strip()
