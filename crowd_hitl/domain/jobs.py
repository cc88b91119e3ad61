"""Background jobs: the states they go through, how long a failed one waits, how long a pass rests."""

from enum import StrEnum

ATTEMPTS_MAX = 5
FIRST_PAUSE_SECONDS, PAUSE_GROWS = 10, 5
# Having worked for T it rests for 9 T: no pass takes more than a tenth of a processor.
REST_FACTOR = 9.0


class JobState(StrEnum):
    """Where a job stands.

    queued → running → done; a failure queues it again after a pause, the fifth one *parks* it until a person has
    looked. *failed* is what no retry can mend (a file that cannot be read), *cancelled* what somebody called off.
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    PARKED = "parked"
    CANCELLED = "cancelled"


# Of the same thing (the same key) only one job waits or runs.
ACTIVE = (JobState.QUEUED.value, JobState.RUNNING.value)
# A person may start these again.
STUCK = (JobState.FAILED.value, JobState.PARKED.value, JobState.CANCELLED.value)


def pause_seconds(attempts: int) -> float:
    """Wait longer after every failure: 10 s, 50 s, 4 min, 21 min."""
    return float(FIRST_PAUSE_SECONDS * PAUSE_GROWS ** (attempts - 1))


def rest_seconds(worked_seconds: float) -> float:
    """Say how long a pass rests that has worked for so long."""
    return max(0.0, worked_seconds) * REST_FACTOR
