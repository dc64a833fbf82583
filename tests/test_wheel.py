"""The wheel holds all that vp2p needs, and works away from the repository."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]


def _run(command: list[str | Path], cwd: Path) -> str:
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    _run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT], out)
    return next(out.glob("vp2p-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts folder of a new environment that holds vp2p from the wheel, and borrows its dependencies."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=False)
    scripts = place / ("Scripts" if sys.platform == "win32" else "bin")
    packages = sysconfig.get_path("purelib", vars={"base": str(place), "platbase": str(place)})
    Path(packages, "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", scripts / "python", "install", "--no-deps", "--no-index", wheel]
    _run(pip, place)
    return scripts


def test_wheel_holds_code_model_glyphs_and_templates(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    outside = [name for name in names if not name.startswith(("vp2p/", "vp2p-"))]
    assert outside == []
    templates = {f"vp2p/templates/{file.name}" for file in (ROOT / "templates").glob("*.yaml")}
    assert templates and templates <= set(names)
    assert any(name.startswith("vp2p/sprites/glyphs/") and name.endswith(".png") for name in names)
    assert "vp2p/sprites/model/unet/diffusion_pytorch_model.safetensors" in names


def test_command_runs_elsewhere(installed: Path, tmp_path: Path) -> None:
    assert "Usage" in _run([installed / "vp2p", "--help"], tmp_path)
    assert "Usage" in _run([installed / "python", "-m", "vp2p", "--help"], tmp_path)


def test_draws_and_makes_a_workspace_elsewhere(installed: Path, sd1_folder: Path, tmp_path: Path) -> None:
    vp2p, prompt = installed / "vp2p", "a cat on the grass"
    assert _run([vp2p, "draw", prompt, "cat.mp4"], tmp_path).strip() == "cat.mp4"
    init = [vp2p, "init", "walk", "--video", "cat.mp4", "--prompt", prompt, "--template", "fast"]
    _run([*init, "--model", sd1_folder, "--size", "64", "--frames", "2"], tmp_path)
    config = (tmp_path / "walk" / "vp2p.yaml").read_text("utf-8")
    assert "method: direct" in config, "the template's settings are in the workspace"
    assert list((tmp_path / "walk" / "source").glob("*/frames.safetensors"))
    assert prompt in _run([vp2p, "-w", "walk", "status", "--json"], tmp_path)


def test_bundled_model_loads_elsewhere(installed: Path, tmp_path: Path) -> None:
    script = (
        "from pathlib import Path; import vp2p\n"
        "from vp2p.models.loading import load_model; from vp2p.settings import ModelSettings\n"
        "model = load_model(ModelSettings(device='cpu'))\n"
        "package = Path(vp2p.__file__).parent\n"
        "assert model.folder.path.is_relative_to(package), model.folder.path\n"
        "print(package, model.name, any((package / 'templates').iterdir()))"
    )
    package, name, templates = _run([installed / "python", "-c", script], tmp_path).split()
    assert Path(package).is_relative_to(installed.parent.resolve())
    assert (name, templates) == ("sprites", "True")
