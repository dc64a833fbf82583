"""The server of the page."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
from pathlib import Path
from typing import Any, Callable

from vp2p.errors import UsageError, Vp2pError
from vp2p.ui.guard import Guard
from vp2p.ui.root import Root

PORT = 7860
_MOST_PORTS = 20
_LARGEST_UPLOAD = "4gb"


def application(root: Root, token: str | None = None) -> Any:
    """The page, and each workspace's report at ``/report/NAME``, as an ASGI application."""
    import gradio
    from fastapi import FastAPI
    from fastapi.responses import HTMLResponse

    from vp2p.ui.layout import css, page, script, theme
    from vp2p.ui.report import Reports

    reports = Reports(root)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/report/{name}")
    def report(name: str) -> HTMLResponse:
        status, text = reports.page(name)
        return HTMLResponse(text, status, headers={"cache-control": "no-store"})

    gradio.mount_gradio_app(
        app,
        page(root),
        path="/",
        footer_links=[],
        run_history=False,
        allowed_paths=[],
        max_file_size=_LARGEST_UPLOAD,
        ssr_mode=False,
        mcp_server=False,
        theme=theme(),
        css=css(),
        js=script(),
    )
    app.add_middleware(Guard, token=token)
    return app


def serve(root: Root, listening: socket.socket, token: str | None, ready: Callable[[], None]) -> None:
    """Answers until a signal comes; ``ready`` is called once the page can be opened."""
    with tempfile.TemporaryDirectory(prefix="vp2p-ui-") as scratch:
        # Read when Gradio is imported: nothing is told to its makers, and uploads stay in a folder of our own.
        os.environ.update(GRADIO_ANALYTICS_ENABLED="False", GRADIO_TEMP_DIR=scratch)
        import uvicorn

        app = application(root, token)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        # The report's libraries take seconds to load; nobody waits for them so.
        threading.Thread(target=_warm_up, daemon=True).start()
        ready()
        server.run([listening])


def listen(host: str, port: int | None) -> socket.socket:
    """A socket at a port, or at the first free one from 7860 on.

    Raises:
        UsageError: the address is none of this machine, or the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    error: OSError | None = None
    for one in [port] if port is not None else range(PORT, PORT + _MOST_PORTS):
        listening = socket.socket(family)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((host, one))
            listening.listen()
            return listening
        except (OSError, OverflowError) as failed:
            listening.close()
            error = failed if isinstance(failed, OSError) else None
    reason = (error.strerror or str(error)).lower() if error else "there is no such port"
    raise UsageError(f"The page cannot be served at {host}: {reason}.", "give another --port or --host") from error


def scratch() -> Path:
    """Where uploads are kept while the server runs."""
    return Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir())


def _warm_up() -> None:
    try:
        import vp2p.report.make  # noqa: F401
        import vp2p.stages.session  # noqa: F401
    except (ImportError, Vp2pError):  # the first report says so
        pass
