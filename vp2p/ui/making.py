"""A new workspace, from a clip that was dropped on the page."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Mapping, NamedTuple, Sequence

from vp2p.atomic import remove
from vp2p.errors import UsageError, Vp2pError
from vp2p.text import quoted
from vp2p.ui.root import Root
from vp2p.video.pictures import natural
from vp2p.workspace import replacing

_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")


class Wanted(NamedTuple):
    """What was given for a new workspace: ``clips`` are the files that the page keeps of an upload, one or pictures."""

    clips: Sequence[str]
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
    if not wanted.clips:
        raise UsageError("There is no clip yet.", "drop a video, a GIF or pictures, or press Draw a clip")
    if not wanted.prompt.strip():
        raise UsageError("The prompt is empty.", "type a sentence that says what the clip shows")
    if wanted.model not in root.models():
        raise UsageError(f"There is no model {quoted(wanted.model, 80)} here.", "choose one of the list")
    name = root.new_name(wanted.name, wanted.prompt)
    kept = _kept(root.folder, name, wanted.clips)
    options = [f"--{key}={value.strip()}" for key, value in _given(wanted).items() if value.strip()]
    try:
        _run(root.folder, "init", f"--video={kept.name}", *options, "--", name)
    except BaseException:
        remove(kept)
        raise
    return name


def _kept(folder: Path, name: str, clips: Sequence[str]) -> Path:
    """A clip's copy in the folder: a file, or of several pictures a folder of them, in their order."""
    if len(clips) == 1:
        kept = folder / (name + (_suffix(clips[0]) or ".mp4"))
        with replacing(kept, seen=None) as temporary:
            shutil.copyfile(clips[0], temporary)
        return kept
    kept = folder / f"{name}.pictures"
    with replacing(kept, seen=None) as temporary:
        temporary.mkdir()
        for number, picture in enumerate(sorted(map(Path, clips), key=natural), start=1):
            shutil.copyfile(picture, temporary / f"{number:05d}{_suffix(picture.name)}")
    return kept


def _suffix(name: str) -> str:
    """A file's suffix, where it is a plain one."""
    suffix = Path(name).suffix.lower()
    return suffix if _SUFFIX.fullmatch(suffix) else ""


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
