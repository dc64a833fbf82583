"""``vp2p ui``."""

from __future__ import annotations

import importlib.util
import re
import secrets
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from vp2p.cli.common import Json
from vp2p.cli.completion import fixed, fresh_token, workspaces_or_folders
from vp2p.cli.output import output
from vp2p.errors import UsageError


def ui(
    root: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="A folder of workspaces, or one workspace. By default the current folder.",
            show_default=False,
            autocompletion=workspaces_or_folders,
        ),
    ] = Path(),
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Where to listen. With 0.0.0.0, other machines can open it.",
            autocompletion=fixed("127.0.0.1", "0.0.0.0", "localhost"),
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(
            help="The port. By default the first free one from 7860 on.",
            show_default=False,
            autocompletion=fixed("7860", "8000", "8080"),
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="VP2P_UI_TOKEN",
            show_envvar=False,
            show_default=False,
            autocompletion=fresh_token,
            help="Ask for this token. Where other machines can open the page, one is made if none is given.",
        ),
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Show the page in the browser.")] = False,
    json: Json = False,
) -> None:
    """Serve a page to edit clips in the browser.

    Drop a clip, press the stages, click words to change them, and compare with a wipe
    slider. Work goes on when the page is closed, and even when the server is killed. It
    needs the extra ui. Only this machine can open the page, unless --host says otherwise.

    Examples:

      vp2p ui

      vp2p ui walks --open

      vp2p ui walks/cat --port 8000 --open

      vp2p ui --host 0.0.0.0

      vp2p ui --host 0.0.0.0 --token only-for-my-friends

      vp2p ui walks --port 8080 --token 5f2b7c1e
    """
    if importlib.util.find_spec("gradio") is None:
        raise UsageError("The page needs Gradio, which is not installed.", 'pip install "vp2p[ui]"')
    from vp2p.ui.guard import is_local
    from vp2p.ui.root import Root
    from vp2p.ui.serve import listen, serve

    if token is not None and not re.fullmatch(r"[A-Za-z0-9_-]{8,}", token):
        raise UsageError("The token may not be used.", "give --token 8 or more letters, digits, _ or -")
    if token is None and not is_local(host):
        token = secrets.token_urlsafe(24)
    here, listening = Root(root), listen(host, port)
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    address = f"http://{f'[{shown}]' if ':' in shown else shown}:{listening.getsockname()[1]}/"
    address += f"?token={token}" if token else ""

    def ready() -> None:
        output.result("ui", {"address": address, "folder": here.folder}, address)
        output.say("Ctrl-C ends the page; work that it started goes on.")
        if open_it:
            webbrowser.open(address)

    serve(here, listening, token, ready)
