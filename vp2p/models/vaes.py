"""Another VAE than the model's own: what ``--vae`` names."""

from __future__ import annotations

from pathlib import Path

from vp2p.errors import ModelError
from vp2p.models.header import Header, read_header
from vp2p.models.json_files import read_json
from vp2p.models.kinds import other_kind
from vp2p.models.parts import STEMS, CheckpointPart, FolderPart, Part
from vp2p.models.sources import HUB_ID, is_checkpoint, snapshot
from vp2p.models.weights import find_weights
from vp2p.text import shorten, visible

EXAMPLE = "stabilityai/sd-vae-ft-mse"
_STEM, _CLASS = STEMS["vae"], "AutoencoderKL"
_FILES = ("config.json", f"{_STEM}.safetensors", "vae/config.json", f"vae/{_STEM}.safetensors")
_GIVE = f"give --vae a folder, a .safetensors file or a hub id, such as {EXAMPLE}"


def find_vae(vae: str, own_config: Path, variant: str | None) -> Part:
    """The VAE that ``vae`` names: a folder of it or of a whole model, a file, or a hub id, which is downloaded.

    Args:
        own_config: the folder with the configuration of the model's own VAE, which a file alone is taken to have.
        variant: of the weights, where the user asks for one.

    Raises:
        ModelError: it is not there, or is no VAE.
    """
    path = Path(vae).expanduser()
    if vae and path.is_dir():
        return _in_folder(path, variant)
    if is_checkpoint(path):
        if path.name == f"{_STEM}.safetensors" and path.with_name("config.json").is_file():
            return _in_folder(path.parent, variant)  # its own configuration lies beside it
        _check_file(path, read_header(path))
        return CheckpointPart(own_config, path, "vae")
    if path.is_file():
        raise ModelError(f"The VAE {path} is no safetensors file; others can run code and are never opened.", _GIVE)
    if HUB_ID.fullmatch(vae):
        return _in_folder(snapshot(vae, _FILES, "--vae"), variant)
    raise ModelError(f"There is no VAE {shorten(vae)}.", _GIVE)


def _in_folder(folder: Path, variant: str | None) -> Part:
    inside = folder / "vae" if (folder / "vae").is_dir() else folder
    if not (inside / "config.json").is_file():
        raise ModelError(f"The folder {folder} holds no VAE: there is no config.json in it.", _GIVE)
    config = read_json(inside / "config.json", "copy or download the folder again")
    kind = config.get("_class_name", _CLASS) if isinstance(config, dict) else "list"
    if kind != _CLASS:
        raise ModelError(f"The folder {folder} has a {visible(str(kind))[:80]}, but an {_CLASS} is needed.", _GIVE)
    return FolderPart(inside, _STEM, find_weights(inside, _STEM, variant).variant)


def _check_file(file: Path, header: Header) -> None:
    if header.has("first_stage_model.", "decoder.up.", "decoder.up_blocks."):
        return
    kind = other_kind(file, header)
    raise ModelError(f"{file} is no VAE; it is {kind.name if kind else 'a model without one'}.", _GIVE)
