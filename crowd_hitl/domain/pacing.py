"""How often background work may run, so that the people who answer do not wait for it."""

# Of one processor's time.
SHARE_MAX = 0.1


def rest_seconds(took_seconds: float, *, tick_seconds: float) -> float:
    """Say how long a pass rests that took so long: nine times that, so that it never has more than a tenth.

    At least a tick; a pass that took longer than a tick allows waits for more.
    """
    return max(tick_seconds, took_seconds * (1 / SHARE_MAX - 1))
