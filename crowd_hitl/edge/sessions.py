"""Sessions that cost nothing where there is none: most requests are a program's, with a token and no cookie."""

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface


class LightSessions(SecureCookieSessionInterface):
    """Flask's own sessions; a request without their cookie gets an empty one, and no signer is made to read it."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return what the cookie holds, or an empty session."""
        if app.secret_key and self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)
