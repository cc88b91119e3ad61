"""Finds the same key twice in one import, whatever its size: what was seen lies in a temporary file, not in memory."""

import json
import sqlite3
from contextlib import closing
from hashlib import blake2b
from types import TracebackType
from typing import Self

from crowd_hitl.domain.items import ItemRecord

CACHE_KILOBYTES = 16_384
DIGEST_BYTES = 12


class Seen:
    """The keys of one import and what came with each, both hashed; used in a `with` block."""

    def __enter__(self) -> Self:
        """Open the temporary file; SQLite makes it when the cache is full and removes it when it is closed."""
        # Used by one request at a time, but a streamed body may be read by another thread than made this.
        self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for pragma in (f"cache_size = -{CACHE_KILOBYTES}", "journal_mode = OFF", "synchronous = OFF"):
            self._file.execute(f"PRAGMA {pragma}")
        self._file.execute("CREATE TABLE seen (key BLOB PRIMARY KEY, content BLOB) WITHOUT ROWID")
        # One transaction for all: nothing here is to be kept.
        self._file.execute("BEGIN")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove it."""
        self._file.close()

    def note(self, record: ItemRecord) -> bool | None:
        """Note a key: None if it is met for the first time, else whether it came with the same content before."""
        key, content = _digest(record.key), _digest(_content(record))
        added = self._file.execute("INSERT INTO seen VALUES (?, ?) ON CONFLICT DO NOTHING", (key, content)).rowcount
        if added:
            return None
        with closing(self._file.execute("SELECT content FROM seen WHERE key = ?", (key,))) as found:
            return bool(found.fetchone()[0] == content)

    def forget(self, key: str) -> None:
        """Forget a key, so that a mended row may follow."""
        self._file.execute("DELETE FROM seen WHERE key = ?", (_digest(key),))


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=DIGEST_BYTES).digest()


def _content(record: ItemRecord) -> str:
    data = json.dumps(record.data, sort_keys=True, ensure_ascii=False) if record.data else ""
    return repr((record.text, record.image, record.audio, sorted(record.gold.items()), data))
