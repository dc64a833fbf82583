"""A new workspace, from a clip that was dropped on the page."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Mapping, NamedTuple

from vp2p.errors import UsageError, Vp2pError
from vp2p.text import quoted
from vp2p.ui.root import Root
from vp2p.workspace import replacing

_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")


class Wanted(NamedTuple):
    """What was given for a new workspace: ``clip`` is the file that the page keeps of an upload."""

    clip: str | None
    prompt: str
    name: str
    model: str
    frames: str
    size: str


def make(root: Root, wanted: Wanted) -> str:
    """Keeps the clip in the folder, and makes the workspace beside it by ``vp2p init``; returns its name.

    Raises:
        Vp2pError: something is missing or wrong; nothing is left behind.
    """
    if not wanted.clip:
        raise UsageError("There is no clip yet.", "drop a video or a GIF, or press Draw a clip")
    if not wanted.prompt.strip():
        raise UsageError("The prompt is empty.", "type a sentence that says what the clip shows")
    if wanted.model not in root.models():
        raise UsageError(f"There is no model {quoted(wanted.model, 80)} here.", "choose one of the list")
    name = root.new_name(wanted.name, wanted.prompt)
    suffix = Path(wanted.clip).suffix.lower()
    kept = root.folder / (name + (suffix if _SUFFIX.fullmatch(suffix) else ".mp4"))
    with replacing(kept, seen=None) as temporary:
        shutil.copyfile(wanted.clip, temporary)
    options = [f"--{key}={value.strip()}" for key, value in _given(wanted).items() if value.strip()]
    try:
        _run(root.folder, "init", f"--video={kept.name}", *options, "--", name)
    except BaseException:
        kept.unlink(missing_ok=True)
        raise
    return name


def draw(sentence: str, folder: Path) -> str:
    """The path of a clip that ``vp2p draw`` makes of a sentence in a folder."""
    path = folder / "drawn.mp4"
    _run(folder, "draw", "--", sentence.strip(), str(path))
    return str(path)


def _given(wanted: Wanted) -> Mapping[str, str]:
    model = wanted.model
    return {"prompt": wanted.prompt, "model": model, "frames": wanted.frames, "size": wanted.size}


def _run(folder: Path, *words: str) -> Mapping[str, Any]:
    """A short command's result. It ends even if the server does not live to see it."""
    child = subprocess.run(
        [sys.executable, "-m", "vp2p", words[0], "--json", *words[1:]],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        envelope = json.loads(child.stdout.splitlines()[-1])
        if envelope["ok"]:
            result: Mapping[str, Any] = envelope["result"]
            return result
        raise Vp2pError(str(envelope["error"]["cause"]), str(envelope["error"]["hint"]))
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise Vp2pError(f"vp2p {words[0]} was killed.", "press the button again") from error
