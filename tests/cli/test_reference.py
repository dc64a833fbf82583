"""Pictures of what is new by the command line: edits show them, and only edits know of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from safetensors.torch import load_file

from tests.cli.conftest import PROMPT
from tests.cli.running import done, refused
from tests.controlnets import save_controlnet
from tests.ip_adapters import save_ip_adapter, save_picture, save_weights

_EDIT = ("edit", "--swap", "cat=dog", "--no-blend")


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory, sd2_folder: Path) -> Path:
    return save_ip_adapter(tmp_path_factory.mktemp("adapters") / "ip", sd2_folder)


def test_through_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip: Path, adapter: Path, sd2_folder: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    save_picture(tmp_path / "dog.png", 1)
    shutil.copytree(adapter, tmp_path / "ip")
    done("init", "walk", "--video", clip, "-p", PROMPT, "--model", sd2_folder, "--frames", "2", "--size", "32")
    monkeypatch.chdir(tmp_path / "walk")
    done("tune", "--steps", "1")
    done("invert", "--method", "direct", "--steps", "2")
    found = refused(2, *_EDIT, "--reference", "../dog.png")
    assert found.cause == "--reference needs an IP-Adapter, and the model has none."
    assert found.hint.startswith("vp2p config model.ip_adapter")
    done(*_EDIT)  # one that knows of no adapter

    done("config", "model.ip_adapter", "../ip")
    placed = Path(yaml.safe_load(Path("vp2p.yaml").read_text())["model"]["ip_adapter"])
    assert placed.is_absolute() and placed.samefile(tmp_path / "ip")
    assert "up to date" in done("tune", "--steps", "1").err
    assert "up to date" in done("invert", "--method", "direct", "--steps", "2").err
    assert "up to date" in done(*_EDIT).err
    assert "up to date" in done(*_EDIT, "--reference", "../dog.png:0").err

    shown = (*_EDIT, "--reference", "../dog.png:0.6")
    assert done(*shown).out == "edit/dog-2/edited.mp4\n"
    assert (Path("edit/dog-2/edited.mp4")).read_bytes() != Path("edit/dog/edited.mp4").read_bytes()
    assert "<li>looks like dog.png:0.6</li>" in Path(done("report").out.strip()).read_text("utf-8")
    (tmp_path / "dog.png").rename(tmp_path / "moved.png")
    assert "up to date" in done(*_EDIT, "--reference", "../moved.png:0.60").err  # by its contents
    made = [done(*_EDIT, "--reference", "../moved.png", "--dry-run").out]
    save_picture(tmp_path / "moved.png", 2)
    made.append(done(*_EDIT, "--reference", "../moved.png:0.6", "--dry-run").out)
    save_picture(tmp_path / "moved.png", 1)
    save_ip_adapter(tmp_path / "other", sd2_folder, seed=1)
    done("config", "model.ip_adapter", "../other")
    made.append(done(*_EDIT, "--reference", "../moved.png:0.6", "--dry-run").out)
    assert not any("up to date" in one.splitlines()[-1] for one in made)

    for text, cause in (("gone.png", "There is no picture"), ("../moved.png:x", "must be a number")):
        assert cause in refused(2, *_EDIT, "--reference", text).cause
    assert sorted(path.name for path in Path("edit").iterdir() if path.is_dir()) == ["dog", "dog-2"]


def test_an_adapter_plus_and_a_controlnet_of_xl_through_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip: Path, sdxl_folder: Path
) -> None:
    plus = save_weights(save_ip_adapter(tmp_path / "ip", sdxl_folder) / "models", sdxl_folder, form="plus")
    net = save_controlnet(tmp_path / "net", sdxl_folder)
    save_picture(tmp_path / "dog.png", 1)
    given = ("--model", sdxl_folder, "--ip-adapter", plus, "--control", f"canny={net}", "--frames", "2", "--size", "32")
    done("init", tmp_path / "walk", "--video", clip, "-p", PROMPT, *given)
    monkeypatch.chdir(tmp_path / "walk")
    done("tune", "--steps", "1")
    done("invert", "--method", "direct", "--steps", "2")
    seen = []
    for name, more in (("none", ()), ("plus", ("--reference", "../dog.png"))):
        assert done(*_EDIT, *more, "--as", name).out == f"edit/{name}/edited.mp4\n"
        assert "up to date" in done(*_EDIT, *more, "--as", name).err
        seen.append(load_file(Path("edit") / name / "latents.safetensors"))
    assert all(one.isfinite().all() for latents in seen for one in latents.values())
    (none, shown) = seen
    assert any((shown[name] - none[name]).abs().max() > 0.01 for name in none)
    done("config", "model.ip_adapter", plus.with_name("ip-adapter_sd15.safetensors"))
    assert "up to date" not in done(*_EDIT, "--reference", "../dog.png", "--dry-run").out.splitlines()[-1]
