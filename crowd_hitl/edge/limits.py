"""How often one may try to sign in, and how large a body may be.

Counts are kept in the memory of each process: with several processes the limit is that many times higher.
"""

import hashlib
from time import time

from flask import Flask, current_app, request
from limits import parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

from crowd_hitl.settings import Settings

EXTENSION = "crowd_hitl.limiter"
UPLOAD_ATTRIBUTE = "takes_uploads"


def install_limits(app: Flask, *, settings: Settings) -> None:
    """Set up the counting of sign-ins, and cap every body."""
    limits = parse_many(settings.sign_in_limit) if settings.rate_limits else []
    app.extensions[EXTENSION] = (MovingWindowRateLimiter(MemoryStorage()), limits)

    @app.before_request
    def cap_body() -> None:
        view = app.view_functions.get(request.endpoint or "")
        uploads = getattr(view, UPLOAD_ATTRIBUTE, False)
        request.max_content_length = settings.max_upload_bytes if uploads else settings.max_body_bytes


def count_sign_in(login: str) -> None:
    """Count one attempt for this address and for this login; TooManyRequests (429) beyond the limit.

    Called before the password is looked at, so that guessing costs the guesser and not us.
    """
    limiter: MovingWindowRateLimiter
    limiter, limits = current_app.extensions[EXTENSION]
    whose = hashlib.sha256(login.strip().lower().encode("utf-8", "surrogatepass")).hexdigest()
    for limit in limits:
        for key in (f"address:{request.remote_addr}", f"login:{whose}"):
            if not limiter.hit(limit, "sign-in", key):
                wait = max(1, int(limiter.get_window_stats(limit, "sign-in", key).reset_time - time()) + 1)
                raise TooManyRequests(f"Too many attempts. Try again in {wait} seconds.", retry_after=wait)
