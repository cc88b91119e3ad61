"""The machine: all operations together. To add some, write a class like these and name it here."""

from tests.stateful.deciding import Deciding
from tests.stateful.keeping_away import KeepingAway
from tests.stateful.managing import Managing
from tests.stateful.moving_money import MovingMoney
from tests.stateful.paging import Paging
from tests.stateful.paying_out import PayingOut
from tests.stateful.tampering import Tampering


class Machine(Paging, Managing, Deciding, KeepingAway, MovingMoney, PayingOut, Tampering):
    """Everything that workers, requesters, jobs and vandals do."""
