"""Who may talk to the page: no other site, and off this machine nobody without the token."""

from __future__ import annotations

import secrets
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOCAL = ("localhost", "127.0.0.1", "::1")
_COOKIE = "vp2p-token"
# The page fetches nothing from elsewhere, and nobody frames it; Gradio's scripts and styles stand inside it.
_POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; frame-ancestors 'self'; base-uri 'self'; form-action 'self'"
)
_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),  # the first address holds the token
    (b"x-content-type-options", b"nosniff"),
]


def is_local(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    return host in _LOCAL


class Guard:
    """Asks each request for the token, in its address or in the cookie that it then sets.

    Without a token only names of this machine are answered, so that no other site's name can lead here.
    """

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return await _say(send, 403, "Another site may not use this page.")
        if self._token is None:
            if not is_local(_name(host)):
                return await _say(send, 403, "This page answers to localhost alone.")
            return await self._app(scope, receive, _with(send, _HEADERS))
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope.get("method") == "GET" and self._is_it(given):
            return await _enter(send, scope["path"], given)
        if not self._is_it(_cookie(headers.get("cookie", ""))):
            return await _say(send, 401, "Open the address that vp2p ui printed: it ends with ?token=…")
        await self._app(scope, receive, _with(send, _HEADERS))

    def _is_it(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), (self._token or "").encode())


def _name(host: str) -> str:
    """The name in a Host header, without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _cookie(text: str) -> str:
    try:
        found = SimpleCookie(text).get(_COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _with(send: Send, headers: list[tuple[bytes, bytes]]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *headers]}
        await send(message)

    return sending


async def _enter(send: Send, path: str, token: str) -> None:
    """Keeps the token in a cookie and leads to the same address without it."""
    cookie = f"{_COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax"
    # Two slashes at the front would name another host.
    headers = [(b"location", quote("/" + path.lstrip("/")).encode()), (b"set-cookie", cookie.encode()), *_HEADERS]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _say(send: Send, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
