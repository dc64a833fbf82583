"""What --model may say: a folder, the bundled model, an alias, a hub id; against a hub served from a folder."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Iterator

import pytest
from huggingface_hub import constants

from vp2p.errors import ModelError
from vp2p.models.folder import read_folder
from vp2p.models.sources import ALIASES, find_model

_COMMIT = "0" * 39 + "1"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub's client, offline."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "cache"


@pytest.fixture
def hub(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A hub on this machine whose one model, tiny/model, is the folder that this returns."""

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def log_message(self, *_: object) -> None:
            return

        def _answer(self) -> None:
            path = self.path.split("?")[0]
            file = folder / path.removeprefix(f"/tiny/model/resolve/{_COMMIT}/")
            if path in ("/api/models/tiny/model", "/api/models/tiny/model/revision/main"):
                self._send(json.dumps({"id": "tiny/model", "sha": _COMMIT, "siblings": []}).encode())
            elif path in (f"/api/models/tiny/model/tree/{_COMMIT}", "/api/models/tiny/model/tree/main"):
                self._send(json.dumps([_entry(file) for file in folder.rglob("*") if file.is_file()]).encode())
            elif path.startswith("/tiny/model/resolve/") and file.is_file():
                self._send(file.read_bytes())
            else:
                self.send_response(404)
                self.send_header("X-Error-Code", "RepoNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()

        def _send(self, content: bytes) -> None:
            self.send_response(200)
            self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", _COMMIT)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

    def _entry(file: Path) -> dict[str, object]:
        content = file.read_bytes()
        name = file.relative_to(folder).as_posix()
        return {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
    yield folder
    server.shutdown()
    thread.join()
    server.server_close()


def test_local_folder(sd1_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_model(str(sd1_folder)) == sd1_folder
    monkeypatch.chdir(sd1_folder.parent)
    assert find_model(f"./{sd1_folder.name}").samefile(sd1_folder)


def test_bundled_model() -> None:
    assert "cat" in read_folder(find_model("sprites")).card["words"]


def test_installation_without_the_bundled_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.resources, "files", lambda _: tmp_path)
    with pytest.raises(ModelError, match="missing from this installation"):
        find_model("sprites")


@pytest.mark.parametrize("model", ["/no/such/folder", "./nothing", "a b", "../x/y", "models/"])
def test_no_such_folder(model: str, cache: Path) -> None:
    with pytest.raises(ModelError, match=f"There is no model '{model}'") as caught:
        find_model(model)
    assert "sprites" in caught.value.hint


def test_what_was_meant(tmp_path: Path) -> None:
    (tmp_path / "dreamy v8.safetensors").write_bytes(b"")
    for model, cause, hint in (
        ("", "The name of the model is empty.", "give --model a folder"),
        ("nowhere.safetensors", "There is no file 'nowhere.safetensors'.", "give --model a folder"),
        ("sub/nowhere.safetensors", "There is no file 'sub/nowhere.safetensors'.", "give --model a folder"),
        ("spritez", "There is no model 'spritez'.", "did you mean --model sprites?"),
        (f"{tmp_path}/dreamy v9.safetensors", "There is no file", f"did you mean --model '{tmp_path}/dreamy v8"),
    ):
        with pytest.raises(ModelError) as caught:
            find_model(model)
        assert caught.value.cause.startswith(cause) and caught.value.hint.startswith(hint)


def test_single_file(tmp_path: Path) -> None:
    for name in ("v1-5.safetensors", "v1-5.ckpt"):
        (tmp_path / name).write_bytes(b"")
    assert find_model(str(tmp_path / "v1-5.safetensors")) == tmp_path / "v1-5.safetensors"
    with pytest.raises(ModelError, match="single file, but no safetensors file"):
        find_model(str(tmp_path / "v1-5.ckpt"))
    (tmp_path / "dog.png").write_bytes(b"")
    with pytest.raises(ModelError, match="dog.png is no model: models are folders and .safetensors files"):
        find_model(str(tmp_path / "dog.png"))
    (tmp_path / "model_index.json").write_text("{}")
    with pytest.raises(ModelError, match="is no model") as caught:
        find_model(str(tmp_path / "model_index.json"))
    assert caught.value.hint == f"--model {tmp_path}"


@pytest.mark.parametrize("model", ["sd15", "sd21", "sdxl", "some/model"])
def test_offline_without_a_copy(model: str, cache: Path) -> None:
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE") as caught:
        find_model(model)
    assert ALIASES.get(model, model) in caught.value.cause


def test_offline_with_a_copy(cache: Path) -> None:
    repository = cache / "models--some--model"
    snapshot = repository / "snapshots" / _COMMIT
    (snapshot / "unet").mkdir(parents=True)
    (snapshot / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(_COMMIT)
    assert find_model("some/model").samefile(snapshot)


def test_download_takes_only_what_is_loaded(hub: Path) -> None:
    unwanted = ["model.ckpt", "v1-5.safetensors", "unet/diffusion_pytorch_model.bin", "vae/evil.py"]
    unwanted += ["unet/diffusion_pytorch_model.fp16.safetensors", "safety_checker/model.safetensors"]
    for name in unwanted:
        (hub / name).parent.mkdir(exist_ok=True)
        (hub / name).write_bytes(b"unwanted")
    found = find_model("tiny/model")
    names = {file.relative_to(found).as_posix() for file in found.rglob("*") if file.is_file()}
    assert not names & set(unwanted)
    assert read_folder(found).unet["sample_size"] == 16
    assert "tokenizer/merges.txt" in names


def test_download_falls_back_to_half_precision(hub: Path) -> None:
    for file in list(hub.rglob("*.safetensors")):
        file.rename(file.with_suffix(".fp16.safetensors"))
    assert set(read_folder(find_model("tiny/model")).variants.values()) == {"fp16"}


def test_hub_model_with_pickles_only(hub: Path) -> None:
    weights = hub / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(ModelError, match="pickles"):
        find_model("tiny/model")


def test_hub_has_no_such_model(hub: Path) -> None:
    with pytest.raises(ModelError, match="neither a folder here nor a model on the hub"):
        find_model("tiny/other")


def test_hub_cannot_be_reached(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(ModelError, match="could not be downloaded"):
        find_model("tiny/model")
