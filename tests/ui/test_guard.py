"""Who is answered: this machine, or who has the token; never another site."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from tests.cli.running import refused
from vp2p.ui.guard import Guard

TOKEN = "abcdefgh12345678"


def ask(token: str | None, path: str = "/", query: str = "", method: str = "GET", **headers: str) -> tuple[int, dict]:
    """The status and headers of an answer; 200 where the request came through."""
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        sent.append(message)

    given = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": given}
    with contextlib.suppress(StopIteration):  # it waits for nothing, and Playwright may have a loop here
        Guard(app, token)(scope, None, send).send(None)  # type: ignore[arg-type]
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1:7860", "[::1]:7860"])
def test_this_machine_needs_no_token(host: str) -> None:
    status, headers = ask(None, host=host)
    assert status == 200 and "default-src 'self'" in headers["content-security-policy"]


@pytest.mark.parametrize("host", ["evil.example:7860", "192.168.0.7:7860", "", "[::1", "localhost.evil.example"])
def test_another_name_does_not_lead_here(host: str) -> None:
    assert ask(None, host=host)[0] == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1"])
def test_another_site_may_not_use_the_page(origin: str) -> None:
    assert ask(None, host="localhost:7860", origin=origin, method="POST")[0] == 403
    assert ask(TOKEN, host="a:1", origin=origin, method="POST", cookie=f"vp2p-token={TOKEN}")[0] == 403


def test_with_a_token_nothing_is_answered_without_it() -> None:
    for given in ({}, {"cookie": "vp2p-token=wrong"}, {"cookie": "vp2p-token="}, {"cookie": "\x01=;;"}):
        for path in ("/", "/report/walk", "/gradio_api/file=/etc/passwd"):
            assert ask(TOKEN, path, host="a:1", **given)[0] == 401
    assert ask(TOKEN, query="token=wrong", host="a:1")[0] == 401
    assert ask(TOKEN, query=f"token={TOKEN}", method="POST", host="a:1")[0] == 401


def test_the_token_becomes_a_cookie_and_leaves_the_address() -> None:
    status, headers = ask(TOKEN, "//evil.example/\r\nx: y", f"token={TOKEN}", host="a:1")
    assert status == 303 and headers["location"] == "/evil.example/%0D%0Ax%3A%20y"
    assert "HttpOnly" in headers["set-cookie"]
    assert ask(TOKEN, host="a:1", cookie=headers["set-cookie"].partition(";")[0])[0] == 200


@pytest.mark.parametrize("token", ["short", "has space in it", "semi;colon;here"])
def test_tokens_that_cannot_be_cookies(token: str) -> None:
    pytest.importorskip("gradio")
    refused(2, "ui", "--token", token)
