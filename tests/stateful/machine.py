"""The machine: all operations together. To add some, write a class like these and name it here."""

from tests.stateful.managing import Managing
from tests.stateful.moving_money import MovingMoney
from tests.stateful.tampering import Tampering
from tests.stateful.working import Working


class Machine(Working, Managing, MovingMoney, Tampering):
    """Everything that workers, requesters, jobs and vandals do."""
