"""Fixtures that several test folders share."""

from __future__ import annotations

import gc
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Iterator

import psutil
import pytest

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

    from vp2p.models.loading import LatentModel

# Before anything imports the hub's client: no test reaches the network.
os.environ["HF_HUB_OFFLINE"] = "1"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--large", action="store_true", help="also run tests that take gigabytes of memory and disk")


def pytest_configure(config: pytest.Config) -> None:
    """The tests' folders lie on a disk in memory, where one has room: others take milliseconds for each sync."""
    memory, room = Path("/dev/shm"), 8 << 30
    if config.getoption("--large") or not (memory.is_dir() and os.access(memory, os.W_OK)):
        return
    if min(shutil.disk_usage(memory).free, psutil.virtual_memory().available) > room:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--large"):
        for item in items:
            if item.get_closest_marker("large"):
                item.add_marker(pytest.mark.skip(reason="runs with --large"))


def pytest_collection_finish() -> None:
    """The garbage collector need not look through the libraries again and again: a tenth of the time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """A headless Chromium; without one the test is skipped. One for all: a process runs Playwright once."""
    from tests.report.browser import CHROMIUM

    if CHROMIUM is None:
        pytest.skip("no Chromium found: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
    with playwright.sync_playwright() as tools:
        switches = "no-sandbox disable-gpu disable-quic no-first-run disable-background-networking"
        switches += " disable-component-update disable-sync"
        chromium = tools.chromium.launch(executable_path=CHROMIUM, args=[f"--{name}" for name in switches.split()])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def sd1_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of Stable Diffusion 1.x shape; copy it before changing it."""
    from tests.tiny import save_tiny

    return save_tiny(tmp_path_factory.mktemp("models") / "tiny-sd1", "sd1")


@pytest.fixture(scope="session")
def sd2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of Stable Diffusion 2.x shape; copy it before changing it."""
    from tests.tiny import save_tiny

    return save_tiny(tmp_path_factory.mktemp("models") / "tiny-sd2", "sd2")


@pytest.fixture(scope="session")
def sd1(sd1_folder: Path) -> LatentModel:
    from vp2p.models.loading import load_model
    from vp2p.settings import ModelSettings

    return load_model(ModelSettings(model=str(sd1_folder), device="cpu"))


@pytest.fixture(scope="session")
def sd2(sd2_folder: Path) -> LatentModel:
    from vp2p.models.loading import load_model
    from vp2p.settings import ModelSettings

    return load_model(ModelSettings(model=str(sd2_folder), device="cpu"))


@pytest.fixture(scope="session")
def clip_words() -> CLIPTokenizer:
    """The real vocabulary of CLIP, for tests of words; the tiny models have a small one, which loads faster."""
    from transformers import CLIPTokenizer

    from vp2p.models.checkpoint import TOKENIZER

    return CLIPTokenizer.from_pretrained(str(TOKENIZER), local_files_only=True)


@pytest.fixture(scope="session")
def words_folder(sd2_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model of Stable Diffusion 2.x shape with the real vocabulary of CLIP: the same, but for its words."""
    from tests.tiny import with_clip_words

    return with_clip_words(sd2_folder, tmp_path_factory.mktemp("models") / "tiny-words")


@pytest.fixture(scope="session")
def sdxl_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of Stable Diffusion XL's shape; copy it before changing it."""
    from tests.tiny import save_tiny_xl

    return save_tiny_xl(tmp_path_factory.mktemp("models") / "tiny-sdxl")


@pytest.fixture(scope="session")
def sdxl(sdxl_folder: Path) -> LatentModel:
    from vp2p.models.loading import load_model
    from vp2p.settings import ModelSettings

    return load_model(ModelSettings(model=str(sdxl_folder), device="cpu"))


@pytest.fixture(scope="session")
def golden() -> Path:
    path = Path(__file__).parents[2] / "shared" / "golden"
    if not path.is_dir():
        pytest.skip("the released code's numbers are not here")
    return path


@pytest.fixture(scope="session")
def golden_model(golden: Path) -> LatentModel:
    from vp2p.models.loading import load_model
    from vp2p.settings import ModelSettings

    return load_model(ModelSettings(model=str(golden / "model_h8_l2"), device="cpu"))
