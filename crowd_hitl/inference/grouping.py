"""Lays answers out for EM: by task, in blocks that fit the cache, with what every answer says as one code.

A *cell* is one worker giving one label. Tasks are ordered by how many answers they have, and a block holds the first
answers of its tasks, then the second ones, and so on: each of these is one slice, so a sum over a task's answers is
a few additions of slices, and no pass touches an answer twice. The order of all sums is fixed by the answers
alone, whatever order they came in. Plain numpy: docs/decisions/008-kernels.md says why.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.inference.answers import Answers, Floats, Ints, check_answers

Places = NDArray[np.intp]

# Answers of one block: its vectors stay in the second-level cache.
BLOCK_ANSWERS = 65_536
# A task's answers beyond these are summed in one step of their own.
LONG = 64
# Labels times tasks of one block, where there are very many labels.
BLOCK_CELLS = 1_000_000


@dataclass(frozen=True)
class Block:
    """Some tasks and their answers: `widths[j]` of the tasks have a j-th answer; `long` starts the rest's runs.

    `rows`: places of the tasks in `Grouped.tasks`. `cells`: the first answers, the second …, then the runs.
    """

    rows: slice
    widths: tuple[int, ...]
    cells: Ints
    long: Places

    @property
    def size(self) -> int:
        """Count the tasks."""
        return int(self.rows.stop - self.rows.start)


@dataclass(frozen=True)
class Grouped:
    """The answers of an answer table without gaps: only tasks, labels and cells that were answered are left.

    `tasks` (T,) and `labels` (K,): their codes in the table. `counts` (T,): answers of each task. `cell_workers`,
    `cell_labels` (C,): who says what in each cell, sorted; `cell_labels` are places in `labels`. `gold` (T,): places
    in `labels`, −1 where unknown.
    """

    blocks: tuple[Block, ...]
    tasks: Ints
    counts: Ints
    labels: Ints
    cell_workers: Ints
    cell_labels: Ints
    n_workers: int
    gold: Ints | None

    @property
    def n_answers(self) -> int:
        """Count the answers."""
        return int(self.counts.sum())

    def runs_of_workers(self) -> tuple[Places, Places]:
        """Return where each worker's cells start, and for every cell the number of its run."""
        changes = np.concatenate(([True], self.cell_workers[1:] != self.cell_workers[:-1]))
        return np.flatnonzero(changes), np.cumsum(changes) - 1

    def cells_of(self) -> Iterator[tuple[Block, Places]]:
        """Yield every block with its answers' cells."""
        for block in self.blocks:
            yield block, block.cells.astype(np.intp)


def group(answers: Answers) -> Grouped:
    """Check the answers and lay them out; BadInput for codes that name nothing."""
    check_answers(answers)
    given, places = present(answers.labels, answers.n_labels)
    cells, (cell_workers, cell_labels) = _cells(answers, places, len(given))
    asked, cells = _by_task(answers.tasks, cells, len(cell_workers))
    tasks, counts = _tasks(asked)
    del asked
    starts = np.cumsum(counts, dtype=np.int64) - counts
    order = np.argsort(-counts, kind="stable").astype(np.int32)
    tasks, counts, starts = tasks[order], counts[order], starts[order]
    blocks = tuple(
        _block(slice(*bounds), counts, starts, cells) for bounds in _bounds(counts, len(cell_workers), len(given))
    )
    gold = None if answers.gold is None else _places_of(answers.gold[tasks], given, answers.n_labels)
    return Grouped(blocks, tasks, counts, given, cell_workers, cell_labels, answers.n_workers, gold)


def rows_of(block: Block) -> Places:
    """Return, for every answer of the block, its task's place within the block."""
    parts = [np.arange(width, dtype=np.intp) for width in block.widths]
    if len(block.long):
        parts.append(np.repeat(np.arange(len(block.long), dtype=np.intp), _run_lengths(block)))
    return np.concatenate(parts)


def add_up(block: Block, values: Floats, out: Floats) -> None:
    """Add every answer's value to its task."""
    start = 0
    for width in block.widths:
        out[:width] += values[start : start + width]
        start += width
    if len(block.long):
        out[: len(block.long)] += np.add.reduceat(values[start:], block.long)


def spread(block: Block, values: Floats, out: Floats) -> None:
    """Give every answer its task's value."""
    start = 0
    for width in block.widths:
        out[start : start + width] = values[:width]
        start += width
    if len(block.long):
        out[start:] = np.repeat(values[: len(block.long)], _run_lengths(block))


def repeated(block: Block) -> NDArray[np.bool_]:
    """Mark the answers that repeat their worker's answer to the same task word for word."""
    again = np.zeros(len(block.cells), dtype=bool)
    start = before = 0
    for width in block.widths:
        again[start : start + width] = block.cells[start : start + width] == block.cells[before : before + width]
        start, before = start + width, start
    again[: block.size] = False
    if len(block.long):
        last = len(again) - start
        again[start:][1:] = block.cells[start + 1 :] == block.cells[start:-1] if last > 1 else False
        again[start:][block.long] = block.cells[start:][block.long] == block.cells[before : before + len(block.long)]
    return again


def present(codes: Ints, count: int) -> tuple[Ints, Ints]:
    """Return the codes that occur, in order, and for every code its place among them."""
    seen = np.zeros(count, dtype=bool)
    seen[codes] = True
    return np.flatnonzero(seen).astype(np.int32), (np.cumsum(seen, dtype=np.int32) - 1).astype(np.int32)


def _cells(answers: Answers, places: Ints, n_labels: int) -> tuple[Ints, tuple[Ints, Ints]]:
    """Number the cells that occur by worker and then label; return each answer's and what the numbers mean."""
    wide = answers.n_workers * n_labels
    if wide <= 4 * len(answers.tasks) + 1_000_000:
        cells = answers.workers.astype(np.int32)
        cells *= n_labels
        cells += places[answers.labels]
        names, numbers = present(cells, wide)
        np.take(numbers, cells, out=cells)
    else:
        pairs = answers.workers.astype(np.int64) * n_labels + places[answers.labels]
        names, inverse = np.unique(pairs, return_inverse=True)
        cells = inverse.astype(np.int32)
    return cells, ((names // n_labels).astype(np.int32), (names % n_labels).astype(np.int32))


def _by_task(tasks: Ints, cells: Ints, n_cells: int) -> tuple[Ints, Ints]:
    """Sort the answers by task, then cell: whatever order they came in is lost here."""
    bits = max(n_cells - 1, 1).bit_length()
    keys = tasks.astype(np.int64)
    keys <<= bits
    keys |= cells
    keys.sort()
    np.bitwise_and(keys, (1 << bits) - 1, out=cells, casting="unsafe")
    keys >>= bits
    return keys.astype(np.int32), cells


def _tasks(asked: Ints) -> tuple[Ints, Ints]:
    """Return the tasks that occur in a sorted column, and how often."""
    if not len(asked):
        return asked, asked
    starts = np.flatnonzero(np.concatenate(([True], asked[1:] != asked[:-1])))
    return asked[starts], np.diff(np.append(starts, len(asked))).astype(np.int32)


def _bounds(counts: Ints, n_cells: int, n_labels: int) -> Iterator[tuple[int, int]]:
    """Cut the tasks into blocks; with many cells larger ones, as every block makes a sum for each cell."""
    wanted = max(BLOCK_ANSWERS, 2 * n_cells)
    most = max(1, max(BLOCK_CELLS, 2 * n_cells) // max(n_labels, 1))
    ends = np.cumsum(counts, dtype=np.int64)
    start = 0
    while start < len(counts):
        before = int(ends[start - 1]) if start else 0
        end = int(np.searchsorted(ends, before + wanted, side="right"))
        end = min(max(end, start + 1), start + most)
        yield start, end
        start = end


def _block(rows: slice, counts: Ints, starts: NDArray[np.int64], cells: Ints) -> Block:
    have, first = counts[rows], starts[rows]
    widths = tuple(int(width) for width in np.searchsorted(-have, -np.arange(min(int(have[0]), LONG))))
    parts = [cells[first[:width] + turn] for turn, width in enumerate(widths)]
    beyond = have[: int(np.searchsorted(-have, -LONG))].astype(np.int64) - LONG
    for row, length in enumerate(beyond.tolist()):
        begin = int(first[row]) + LONG
        parts.append(cells[begin : begin + length])
    return Block(rows, widths, np.concatenate(parts), (np.cumsum(beyond) - beyond).astype(np.intp))


def _run_lengths(block: Block) -> Places:
    ends = np.append(block.long, len(block.cells) - sum(block.widths))
    return np.diff(ends)


def _places_of(gold: Ints, given: Ints, n_labels: int) -> Ints:
    places = np.full(n_labels, -1, dtype=np.int32)
    places[given] = np.arange(len(given), dtype=np.int32)
    found: Ints = np.where(gold >= 0, places[np.maximum(gold, 0)], -1).astype(np.int32)
    return found
