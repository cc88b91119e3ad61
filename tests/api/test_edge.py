"""The edge: tokens, sessions and CSRF, limits, headers, images."""

import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from crowd_hitl.domain.accounts import Actor, Role
from crowd_hitl.domain.media import media_type
from crowd_hitl.edge.auth import Remembered
from crowd_hitl.settings import Settings
from tests.api.served import PASSWORD, PNG, Served, a_batch, claim, give_audio, give_image, serve

WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(32)
CSRF = re.compile(r'name="csrf-?_?token"[^>]*(?:value|content)="([^"]+)"')


def signed_in(served: Served, login: str = "wanda") -> FlaskClient:
    """Sign in as a browser does, with the form's own token."""
    client = served.client()
    form = {"csrf_token": csrf_of(client, "/signin"), "login": login, "password": PASSWORD}
    reply = client.post("/signin", data=form)
    assert reply.status_code in (302, 303), reply.text
    return client


def csrf_of(client: FlaskClient, path: str) -> str:
    found = CSRF.search(client.get(path).text)
    assert found, f"{path} carries no CSRF token"
    return found.group(1)


def test_login_and_password_buy_a_token(served: Served) -> None:
    made = served.post(None, "/tokens", {"login": "rita", "password": PASSWORD, "name": "laptop"})
    assert made.status_code == 201
    assert set(made.json) == {"token", "role", "expires_at"} and made.json["expires_at"] is None
    served.tokens["laptop"] = made.json["token"]
    assert served.get("laptop", "/me").json["login"] == "rita"


@pytest.mark.parametrize("login, password", [("rita", "wrong password"), ("nobody", PASSWORD), ("walt", PASSWORD)])
def test_a_wrong_sign_in_buys_nothing(served: Served, login: str, password: str) -> None:
    reply = served.post(None, "/tokens", {"login": login, "password": password})
    assert (reply.status_code, reply.json["detail"]) == (401, "Login or password is wrong.")


def test_a_revoked_token_is_refused_at_once_here(served: Served) -> None:
    assert served.get("rita", "/me").status_code == 200
    assert served.ask("rita", "DELETE", "/api/v1/tokens/current").status_code == 204
    assert served.get("rita", "/me").status_code == 401


def test_what_is_remembered_of_an_actor_is_forgotten_after_some_seconds() -> None:
    looked_up: list[int] = []
    actor = Actor(account_id=1, organisation_id=1, role=Role.WORKER, login="w")

    def look_up() -> Actor:
        looked_up.append(1)
        return actor

    lasting, brief = Remembered(seconds=60), Remembered(seconds=0)
    for memory in (lasting, lasting, brief, brief):
        assert memory.get("key", otherwise=look_up) is actor
    assert len(looked_up) == 3


def test_a_session_needs_the_pages_token_to_change_anything(served: Served) -> None:
    pets = a_batch(served)
    client = signed_in(served)
    path = f"/api/v1/batches/{pets.batch_id}/claim"

    assert client.get("/api/v1/work").status_code == 200
    without = client.post(path, json={"count": 1})
    wrong = client.post(path, json={"count": 1}, headers={"X-CSRF-Token": "made-up"})
    token = csrf_of(client, f"/work/{pets.batch_id}")
    right: Any = client.post(path, json={"count": 1}, headers={"X-CSRF-Token": token})

    assert [without.status_code, wrong.status_code, right.status_code] == [403, 403, 200]
    assert len(right.json) == 1


def test_a_sign_in_without_the_forms_token_is_refused(served: Served) -> None:
    assert served.client().post("/signin", data={"login": "wanda", "password": PASSWORD}).status_code == 403


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(served: Served) -> None:
    cookie = served.client().get("/signin").headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie


def test_signing_out_ends_the_session(served: Served) -> None:
    client = signed_in(served)
    reply = client.post("/signout", headers={"X-CSRF-Token": csrf_of(client, "/work")})
    assert reply.status_code in (302, 303)
    assert client.get("/api/v1/work").status_code == 401


def test_guessing_is_limited_by_login_and_by_address(tmp_path: Path) -> None:
    served = serve(Settings(data=tmp_path, rate_limits=True, sign_in_limit="3 per minute"))

    def guess(login: str, address: str) -> tuple[int, str | None]:
        body = {"login": login, "password": "guess"}
        reply = served.client().post("/api/v1/tokens", json=body, environ_base={"REMOTE_ADDR": address})
        return reply.status_code, reply.headers.get("Retry-After")

    assert [guess("rita", f"10.0.0.{n}")[0] for n in range(4)] == [401, 401, 401, 429]
    assert [guess(f"someone-{n}", "10.0.0.99")[0] for n in range(4)] == [401, 401, 401, 429]
    status, wait = guess("RITA ", "10.0.0.50")
    assert status == 429 and wait is not None and 0 < int(wait) <= 61
    served.house.uow.engine.dispose()


@pytest.mark.parametrize("path", ["/api/v1/me", "/signin", "/nothing", "/openapi.json", "/healthz"])
def test_every_answer_carries_the_security_headers(served: Served, path: str) -> None:
    plain = served.client().get(path)
    secure = served.client().get(path, base_url="https://localhost")

    policy = plain.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert plain.headers["X-Content-Type-Options"] == "nosniff"
    assert plain.headers["Referrer-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in plain.headers
    assert "Strict-Transport-Security" in secure.headers


def test_an_image_is_shown_to_its_requesters_and_to_who_was_given_it(served: Served) -> None:
    pets = a_batch(served, items=1)
    path = give_image(served, pets.items[0])

    def status(who: str | None) -> int:
        return int(served.ask(who, "GET", path).status_code)

    assert [status(who) for who in ("rita", "ada", "wanda", "otto", "olga", None)] == [200, 200, 404, 404, 404, 401]
    (held,) = claim(served, "wanda", pets.batch_id)
    assert held["item"]["image_url"] == path
    assert [status("wanda"), status("walt")] == [200, 404]
    served.post("wanda", f"/assignments/{held['id']}/release")
    assert status("wanda") == 200

    reply = served.ask("rita", "GET", path)
    assert (reply.data, reply.mimetype, reply.headers["Content-Disposition"]) == (PNG, "image/png", "inline")
    assert "sandbox" in reply.headers["Content-Security-Policy"]
    assert "private" in reply.headers["Cache-Control"]


def test_a_large_image_is_served_whole(served: Served) -> None:
    pets = a_batch(served, items=1)
    content = PNG + bytes(range(256)) * 4096
    path = give_image(served, pets.items[0], content=content)
    assert served.ask("rita", "GET", path).data == content


@pytest.mark.parametrize("content", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"", b"BM", b"%PDF-"])
def test_anything_that_could_hold_a_script_is_not_served(served: Served, content: bytes) -> None:
    pets = a_batch(served, items=1)
    assert media_type(content) is None
    assert served.ask("rita", "GET", give_image(served, pets.items[0], content=content)).status_code == 404


@pytest.mark.parametrize(
    "head, kind",
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF0000WEBP", "image/webp"),
    ],
)
def test_images_are_known_by_their_first_bytes(head: bytes, kind: str) -> None:
    assert media_type(head) == kind


@pytest.mark.parametrize(
    "head, kind",
    [
        (WAV, "audio/wav"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
        (b"OggS\x00", "audio/ogg"),
        (b"fLaC", "audio/flac"),
        (b"\x00\x00\x00\x20ftypM4A ", "audio/mp4"),
        (b"\xff\xff\xff\xff", None),
        (b"\x00\x00\x00\x20ftypisom", None),
    ],
)
def test_recordings_are_known_by_their_first_bytes(head: bytes, kind: str | None) -> None:
    assert media_type(head) == kind


def test_a_recording_is_played_from_where_the_player_asks(served: Served) -> None:
    pets = a_batch(served, items=1)
    path = give_audio(served, pets.items[0], content=WAV)

    whole = served.ask("rita", "GET", path)
    part = served.ask("rita", "GET", path, headers={"Range": "bytes=4-7"})

    assert (whole.status_code, whole.data, whole.mimetype) == (200, WAV, "audio/wav")
    assert (part.status_code, part.data) == (206, WAV[4:8])
    assert part.headers["Content-Range"] == f"bytes 4-7/{len(WAV)}"


def test_a_recording_is_shown_to_its_worker_only_as_a_recording(served: Served) -> None:
    pets = a_batch(served, items=1)
    give_audio(served, pets.items[0], content=PNG)

    assert served.ask("rita", "GET", f"/media/items/{pets.items[0]}/audio").status_code == 404
    assert claim(served, "wanda", pets.batch_id)[0]["item"]["audio_url"] == f"/media/items/{pets.items[0]}/audio"
