"""The networks that find masks: tiny random ones by the published classes, found, checked and run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.segmenting import SIDE, WORDS, save_detector, save_segmenter
from vp2p.errors import ModelError, PromptError
from vp2p.models.detector import load_detector
from vp2p.models.finders import Finders
from vp2p.models.pretrained import DETECTOR, SEGMENTER
from vp2p.models.segmenter import Marked, load_segmenter
from vp2p.settings import MaskSettings

POINT, TEXT = {"points": ("1,2",)}, {"text": "the cat"}


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_segmenter(tmp_path_factory.mktemp("models") / "sam")


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_detector(tmp_path_factory.mktemp("models") / "dino")


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub's cache of the test's own, with nothing in it."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def frames(count: int = 4) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 40, 56, 3)).astype(np.uint8)


def test_a_marked_object_is_followed_both_ways(segmenter: Path) -> None:
    network = load_segmenter(segmenter)
    told: list[tuple[int, int]] = []
    by_point = {2: Marked().with_point(20, 10, True).with_point(40, 30, False)}
    found = network.follow(frames(), by_point, lambda what, done, total, metric="": told.append((done, total)))
    assert found.shape == (4, 40, 56) and found.dtype == bool and found.any(axis=(1, 2)).all()
    assert told[-1] == (4, 4)
    assert np.array_equal(found, network.follow(frames(), by_point))
    by_box = network.follow(frames(), {0: Marked.box(5, 5, 30, 30), 3: Marked().with_point(20, 20, True)})
    assert by_box.shape == found.shape and not np.array_equal(by_box, found)


def test_an_object_is_followed_as_by_transformers_own_processor(segmenter: Path) -> None:
    pytest.importorskip("torchvision", reason="which that processor needs")
    from transformers import Sam2ImageProcessor, Sam2VideoProcessor, Sam2VideoVideoProcessor

    size = {"height": SIDE, "width": SIDE}
    processor = Sam2VideoProcessor(Sam2ImageProcessor(size=size), Sam2VideoVideoProcessor(size=size))
    network, clip = load_segmenter(segmenter), frames()
    session = processor.init_video_session(video=clip)
    processor.add_inputs_to_inference_session(session, 0, 1, input_boxes=[[[5, 6, 30, 35]]])
    theirs = []
    with torch.no_grad():
        network.model(session, frame_idx=0)
        for output in network.model.propagate_in_video_iterator(session):
            theirs.append(processor.post_process_masks([output.pred_masks], [clip.shape[1:3]])[0][0, 0].numpy())
    ours = network.follow(clip, {0: Marked.box(5, 6, 30, 35)})
    assert (ours == np.stack(theirs)).mean() > 0.99


def test_points_reach_the_network_in_its_own_square(segmenter: Path) -> None:
    network = load_segmenter(segmenter)
    seen: list[torch.Tensor] = []
    hook = network.model.prompt_encoder.register_forward_pre_hook(
        lambda module, args, given: seen.append(given["input_points"]), with_kwargs=True
    )
    network.follow(frames(1), {0: Marked().with_point(28, 20, True)})
    hook.remove()
    assert torch.allclose(seen[0].flatten(), torch.tensor([32.0, 32.0]))  # the middle of 64 x 64


def test_words_give_a_box_in_the_picture(detector: Path) -> None:
    network = load_detector(detector)
    found = network.best(frames()[0], "The left cat")
    assert 0 <= found.score <= 1 and 0 <= found.left <= found.right <= 56 and 0 <= found.top <= found.bottom <= 40
    assert found == network.best(frames()[0], " the left cat. ")
    assert found != network.best(frames()[0], "grass")
    assert network.sides == (128, 256)
    with pytest.raises(PromptError, match="at most 14"):
        network.best(frames()[0], "cat " * 40)


def test_a_box_is_that_of_transformers_own_processor(detector: Path) -> None:
    from transformers import GroundingDinoImageProcessorPil, GroundingDinoProcessor

    network = load_detector(detector)
    size = {"shortest_edge": 128, "longest_edge": 256}
    processor = GroundingDinoProcessor(GroundingDinoImageProcessorPil(size=size), network.tokenizer)
    picture = frames()[0]
    inputs = processor(images=picture, text="the left cat.", return_tensors="pt")
    with torch.no_grad():
        outputs = network.model(**inputs)
    (theirs,) = processor.post_process_grounded_object_detection(
        outputs, inputs["input_ids"], threshold=0.0, target_sizes=[picture.shape[:2]]
    )
    place = int(theirs["scores"].argmax())
    ours = network.best(picture, "the left cat")
    assert ours.score == pytest.approx(float(theirs["scores"][place]), abs=1e-3)
    assert np.allclose(ours[1:], theirs["boxes"][place].clamp(min=0), atol=0.5)


def test_networks_that_are_named_are_taken(segmenter: Path, detector: Path) -> None:
    named = {"segmenter": str(segmenter), "detector": str(detector)}
    assert Finders.of(MaskSettings(**POINT, **named)) == (segmenter, None)
    found = Finders.of(MaskSettings(**TEXT, **named))
    assert found == (segmenter, detector)
    assert set(found.fingerprints()) == {"segmenter", "detector"}
    assert Finders.of(MaskSettings(**TEXT, segmenter="none")) == (None, None)


def test_a_fingerprint_is_of_the_content(segmenter: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(segmenter, tmp_path / "copy"))
    assert SEGMENTER.fingerprint(copy) == SEGMENTER.fingerprint(segmenter)
    other = save_segmenter(tmp_path / "other", seed=1)
    assert SEGMENTER.fingerprint(other) != SEGMENTER.fingerprint(segmenter)


def test_without_a_name_the_cache_is_looked_at_and_nothing_is_fetched(
    segmenter: Path, detector: Path, empty_cache: Path
) -> None:
    assert Finders.of(MaskSettings(**POINT)) == (None, None)
    for kind, folder in ((SEGMENTER, segmenter), (DETECTOR, detector)):
        place = empty_cache / f"models--{kind.example.replace('/', '--')}"
        shutil.copytree(folder, place / "snapshots" / "0123")
        (place / "refs").mkdir()
        (place / "refs" / "main").write_text("0123")
        found = Finders.of(MaskSettings(**POINT))
        assert found.segmenter is not None and found.segmenter.name == "0123"
        both = Finders.of(MaskSettings(**TEXT))
        assert (both.detector is None) == (kind is SEGMENTER) == (both.segmenter is None)


@pytest.mark.parametrize(
    ("given", "cause", "hint"),
    [
        ({"segmenter": "nowhere"}, "There is no SAM 2 model 'nowhere'", "facebook/sam2.1-hiera-small"),
        ({"segmenter": "someone/something"}, "HF_HUB_OFFLINE forbids downloading someone/something", "--segmenter"),
        (
            {"segmenter": "{detector}"},
            "holds no SAM 2 model; it holds a Grounding DINO model",
            "give --segmenter another",
        ),
        (
            {"segmenter": "."},
            "The folder . holds no SAM 2 model: there is no config.json in it",
            "give --segmenter another",
        ),
        ({"segmenter": "{segmenter}"}, "IDEA-Research/grounding-dino-tiny is not, or not wholly", "hf download IDEA"),
        ({"detector": "{detector}"}, "facebook/sam2.1-hiera-small is not, or not wholly", "hf download facebook"),
        ({"detector": "{segmenter}"}, "holds no Grounding DINO model; it holds a SAM 2 model", "--detector"),
    ],
)
def test_what_cannot_be_had_is_said(
    segmenter: Path,
    detector: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, str],
    cause: str,
    hint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    named = {name: value.format(segmenter=segmenter, detector=detector) for name, value in given.items()}
    with pytest.raises(ModelError) as refused:
        Finders.of(MaskSettings(**TEXT, **named))
    assert cause in refused.value.cause and hint in refused.value.hint


def test_damaged_networks_are_refused(segmenter: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(segmenter, tmp_path / "sam"))
    tensors = load_file(folder / "model.safetensors")
    tensors.pop("no_memory_embedding")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="1 tensors are missing, such as no_memory_embedding"):
        load_segmenter(folder)
    (folder / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="cut short"):
        SEGMENTER.find(str(folder))
    (folder / "model.safetensors").rename(folder / "model.bin")
    with pytest.raises(ModelError, match="pickles only"):
        SEGMENTER.find(str(folder))
    for content, cause in ((json.dumps(["sam2_video"]), "no JSON object"), ("{", "cannot be read as JSON")):
        (folder / "config.json").write_text(content)
        with pytest.raises(ModelError, match=cause):
            SEGMENTER.find(str(folder))


def test_a_detector_needs_its_words(detector: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(detector, tmp_path / "dino"))
    (folder / "tokenizer.json").unlink()
    assert load_detector(DETECTOR.find(str(folder))).sides  # by vocab.txt
    (folder / "vocab.txt").write_text("")
    with pytest.raises(ModelError, match=f"its tokenizer has 5 words, but the network knows {len(WORDS)}"):
        load_detector(folder)
    (folder / "vocab.txt").unlink()
    with pytest.raises(ModelError, match="has no tokenizer: there is no tokenizer.json in it"):
        DETECTOR.find(str(folder))


def test_the_detector_alone_cannot_be_none() -> None:
    with pytest.raises(ModelError, match="cannot be left out") as refused:
        Finders.of(MaskSettings(text="the cat", detector="none"))
    assert "--segmenter none" in str(refused.value.hint)
