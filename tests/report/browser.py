"""A page in a real browser, with all that it logged and asked for."""

from __future__ import annotations

import base64
import contextlib
import io
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator

import numpy as np
from PIL import Image

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)


@dataclass
class Opened:
    """A page; ``logged`` holds every message and error, ``asked`` every address that is not in the page itself."""

    page: Any
    logged: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def do(self, script: str) -> Any:
        return self.page.evaluate(script)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def until(self, condition: str) -> None:
        """Waits for a condition; the page's policy forbids the strings that Playwright's own wait would evaluate."""
        looks = f"() => {{ if ({condition}) done(); else requestAnimationFrame(look); }}"
        late = "setTimeout(() => refuse(new Error('never so')), 20000)"
        self.do(f"new Promise((done, refuse) => {{ const look = {looks}; {late}; look(); }})")

    @property
    def frames(self) -> set[int]:
        """The frames that the canvases show at one moment; one alone when all are in step."""
        return set(map(int, self.do("[...document.querySelectorAll('canvas')].map((one) => one.dataset.frame)")))

    @property
    def frame(self) -> int:
        (frame,) = self.frames
        return frame

    def picture(self, selector: str) -> np.ndarray:
        """What a canvas shows, uint8 RGB (H, W, 3)."""
        address = self.do(f"document.querySelector({selector!r}).toDataURL()")
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGB"))


@contextlib.contextmanager
def opened(browser: Any, path: Path, ready: bool = True, **settings: Any) -> Iterator[Opened]:
    """The page at ``path`` in a fresh window; with ``ready`` once its pictures are decoded."""
    context = browser.new_context(**settings)
    try:
        shown = Opened(context.new_page())
        shown.page.on("console", lambda message: shown.logged.append(message.text))
        shown.page.on("pageerror", lambda error: shown.logged.append(str(error)))
        shown.page.on("request", lambda request: shown.asked.append(request.url))
        shown.page.goto(path.as_uri())
        if ready:
            shown.until("document.documentElement.dataset.ready")
        yield shown
    finally:
        context.close()
