"""Tables for people: on standard output, so that they can be piped; progress bars on standard error."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

WIDE = 160


def show_table(rows: Sequence[Mapping[str, object]], *, title: str = "", empty: str = "Nothing yet.") -> None:
    """Print rows as a table; the first one's keys are the columns, numbers are set right."""
    console = _console()
    if not rows:
        console.print(empty, markup=False)
        return
    table = Table(title=title or None, title_justify="left", header_style="bold", show_edge=False, pad_edge=False)
    for name, value in rows[0].items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        table.add_column(name.replace("_", " "), justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    console.print(table)


def show_pairs(pairs: Mapping[str, object], *, title: str = "") -> None:
    """Print names and values, one pair a line."""
    console = _console()
    table = Table(title=title or None, title_justify="left", show_header=False, show_edge=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in pairs.items():
        table.add_row(name.replace("_", " "), _cell(value))
    console.print(table)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show progress on standard error while the block runs; nothing where nobody watches."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress


def _console() -> Console:
    console = Console()
    # Into a file or a pipe: no terminal's width cuts the lines.
    return console if console.is_terminal else Console(width=WIDE)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.3f}"
    return escape(str(value))
