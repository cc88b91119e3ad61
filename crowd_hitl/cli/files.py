"""Writing a file whole or not at all."""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile

from crowd_hitl.cli.frame import reason_of
from crowd_hitl.domain.errors import Unusable


def as_bytes(pieces: Iterable[str] | Iterable[bytes]) -> Iterator[bytes]:
    """Give pieces of text as UTF-8, and bytes as they are."""
    for piece in pieces:
        yield piece.encode() if isinstance(piece, str) else piece


def write_whole(path: Path, pieces: Iterable[str] | Iterable[bytes]) -> None:
    """Write a file beside its place and move it there when it is complete; Unusable when that is not possible."""
    temporary: Path | None = None
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.writelines(as_bytes(pieces))
            file.flush()
            os.fsync(file.fileno())
        _give_usual_mode(temporary)
        temporary.replace(path)
    except OSError as error:
        raise Unusable(f"{path} cannot be written: {reason_of(error)}.") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def put_csv(lines: Iterable[str], out: Path | None) -> None:
    """Write lines to a file, or to standard output where none is named."""
    if out is None:
        sys.stdout.writelines(lines)
    else:
        write_whole(out, lines)


def _give_usual_mode(path: Path) -> None:
    # A temporary file is private; the file that takes its place is as any other that this person makes.
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)
