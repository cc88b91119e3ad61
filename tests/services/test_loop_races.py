"""Two processes that advance the same loop at once take each step once between them."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from crowd_hitl.services import looping
from crowd_hitl.services.balances import batch_balance
from crowd_hitl.services.concluding import conclude
from crowd_hitl.services.looping import advance, where_it_stands
from crowd_hitl.store.loop_rows import CertificateRow, ModelVersionRow, RoundRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import BatchRow
from tests.services.looped import STEPS_MAX, Circuit, a_circuit
from tests.services.published import problems
from tests.services.test_training import MODELS, stored

PROCESSES = 2


def step_with(uow: UnitOfWork, circuit: Circuit) -> None:
    """Take a step as another process would."""
    advance(uow, loop_id=circuit.loop_id, plugins=circuit.plugins, storage=circuit.storage)


def two_steps_with(uow: UnitOfWork, circuit: Circuit) -> None:
    """Take two steps: mark a round as asked, and conclude it."""
    step_with(uow, circuit)
    step_with(uow, circuit)


def at_once(circuit: Circuit, engine: Engine) -> None:
    """Let processes with connections of their own take a step at the same moment."""
    together = Barrier(PROCESSES)

    def step(_: int) -> None:
        uow = UnitOfWork(engine)
        together.wait()
        step_with(uow, circuit)

    with ThreadPoolExecutor(PROCESSES) as pool:
        list(pool.map(step, range(PROCESSES)))


def test_two_processes_take_each_step_once(store: Engine, tmp_path: Path) -> None:
    circuit = a_circuit(UnitOfWork(store), tmp_path)

    for _ in range(STEPS_MAX):
        at_once(circuit, store)
        step = circuit.uow.read(where_it_stands, loop_id=circuit.loop_id)
        if step.stopped:
            break
        if step.waiting:
            circuit.answer(step)

    numbers = circuit.rows(select(RoundRow.number).order_by(RoundRow.number))
    assert numbers == list(range(8))
    assert set(circuit.rows(select(RoundRow.state))) == {"done"}
    batches = circuit.rows(select(func.count(BatchRow.id)).group_by(BatchRow.round_id))
    assert batches == [1] * 5
    assert circuit.rows(select(func.count(ModelVersionRow.id))) == [3]
    assert circuit.rows(select(func.count(CertificateRow.id))) == [1]
    assert problems(circuit.site) == []


def test_a_model_that_lost_the_race_overwrites_nothing(unit_of_work: UnitOfWork, tmp_path: Path) -> None:
    """The second process has trained the same version too, and stores it after the first one's row is written."""
    circuit = a_circuit(unit_of_work, tmp_path)
    circuit.run(until=lambda step: step.round_number == 1 and not step.waiting and asked(circuit))
    loop, current = unit_of_work.read(looping._stand, loop_id=circuit.loop_id)
    assert current is not None and current.state == "asked"
    circuit.advance()
    kept = circuit.rows(MODELS)

    conclude(unit_of_work, loop=loop, round_row=current, plugins=circuit.plugins, storage=circuit.storage)

    assert circuit.rows(MODELS) == kept and len(kept) == 1
    assert stored(circuit, kept[0][2]) and circuit.rows(select(RoundRow.state).where(RoundRow.number == 1)) == ["done"]


def asked(circuit: Circuit) -> bool:
    """Say whether the newest round has all its answers and waits for its conclusion."""
    states = circuit.rows(select(RoundRow.state).order_by(RoundRow.number.desc()).limit(1))
    return states == ["asked"]


def test_a_round_that_another_process_concluded_is_not_set_back(
    store: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one process is about to mark the round as asked, another marks and concludes it."""
    circuit = a_circuit(UnitOfWork(store), tmp_path)
    circuit.answer(circuit.run(until=lambda step: step.round_number == 1 and step.waiting))
    other = UnitOfWork(store)
    racers: list[Thread] = []

    def overtaken(*given: Any, **named: Any) -> Any:
        if not racers:
            racers.append(Thread(target=two_steps_with, args=(other, circuit)))
            racers[0].start()
            racers[0].join(1.0)
        return batch_balance(*given, **named)

    monkeypatch.setattr(looping, "batch_balance", overtaken)
    circuit.advance()
    racers[0].join()
    circuit.run(until=lambda step: step.round_number == 2)

    assert circuit.rows(select(RoundRow.state).where(RoundRow.number == 1)) == ["done"]
    assert circuit.rows(select(func.count(ModelVersionRow.id))) == [1]
