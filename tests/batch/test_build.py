"""From a plan to its stages: what is shared, which folders they go to, and what only the model can tell."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from tests.batch.conftest import PROMPT
from vp2p.batch.build import build_graph
from vp2p.batch.graph import Graph
from vp2p.batch.job import attempt
from vp2p.batch.plan.diagnostics import PlanError
from vp2p.batch.plan.read import read_plan
from vp2p.batch.pool import Pool
from vp2p.progress import silent
from vp2p.stages.result import StageResult


def graph_of(path: Path) -> Graph:
    return build_graph(*read_plan(path))


def stages(graph: Graph) -> list[str]:
    return [node.job.stage for node in graph.nodes.values()]


def do(graph: Graph) -> None:
    """Does all that is needed, in this process."""
    pool, runs = Pool(), {}
    for key, node in graph.needed().items():
        (done,) = attempt(pool, [node.job], runs.get(node.parent), silent)
        assert isinstance(done, StageResult), done
        runs[key] = done.run


def test_shared_stages_are_one(write: Callable[..., Path]) -> None:
    matrix = (
        "matrix: {tune.steps: [1, 2], invert.method: [direct, ddim]}\noverrides: [{edits: more, invert: {steps: 3}}]"
    )
    graph = graph_of(write("one", "two", more=matrix))
    assert {stage: stages(graph).count(stage) for stage in ("init", "tune", "invert", "edit")} == {
        "init": 2,
        "tune": 4,
        "invert": 8,
        "edit": 32,
    }
    assert [node.job.stage for node in graph.chain(graph.items[0][1])] == ["init", "tune", "invert", "edit"]
    names = {node.job.name for node in graph.nodes.values() if node.job.stage == "edit"}
    assert len(names) == 16 and "dog-steps-1-method-ddim" in names


def test_settings_without_effect_make_no_second_run(write: Callable[..., Path]) -> None:
    matrix = "matrix: {invert.inner_steps: [5, 10], tune.gradient_checkpointing: [false, true]}"
    graph = graph_of(write("one", more=matrix))
    assert stages(graph).count("tune") == stages(graph).count("invert") == 1
    assert stages(graph).count("edit") == 4 and len(graph.items) == 16


def test_another_clip_or_model_is_another_workspace(write: Callable[..., Path], sd1_folder: Path) -> None:
    sd1 = f"{{name: sd1, model: {{model: {sd1_folder}}}, clip: {{size: '64'}}}}"
    more = f"settings: [{{name: wide, clip: {{fit: pad}}}}, {{name: plain}}, {sd1}]"
    graph = graph_of(write("one", more=more))
    folders = {item.settings: graph.nodes[last].job.folder.name for item, last in graph.items}
    assert folders["plain"] == "one" and len(set(folders.values())) == 3
    assert all(name.startswith("one") for name in folders.values())


def test_other_work_in_the_folder_is_not_taken(folder: Path, write: Callable[..., Path]) -> None:
    (folder / "work" / "one").mkdir(parents=True)
    (folder / "work" / "one" / "mine.txt").write_text("mine")
    (node,) = (node for node in graph_of(write("one", edits="[]")).nodes.values() if node.job.stage == "init")
    assert node.job.folder.name.startswith("one-") and not node.finished


def test_what_is_finished_is_found_again(folder: Path, write: Callable[..., Path]) -> None:
    edits = "[{swap: cat=dog}]"
    first = graph_of(write("one", edits=edits))
    do(first)
    again = graph_of(write("one", edits=edits))
    assert again.needed() == {} and {node.outlook().state for node in again.nodes.values()} == {"up to date"}
    more = graph_of(write("one", edits="[{swap: cat=dog, cross_replace: 0.9}, {swap: cat=dog, name: other}]"))
    changed, other = (more.nodes[last] for _, last in more.items)
    assert changed.job.name.startswith("dog-") and "cross_replace 0.9" in changed.outlook().why
    assert other.job.name == "dog" and other.finished
    assert [node.job.stage for node in more.needed().values()] == ["edit"]


def test_a_finished_edit_needs_nothing_that_it_was_made_from(folder: Path, write: Callable[..., Path]) -> None:
    import shutil

    plan = write("one", edits="[{swap: cat=dog}]")
    do(graph_of(plan))
    shutil.rmtree(folder / "work" / "one" / "tune")
    (folder / "one.mp4").unlink()
    assert graph_of(plan).needed() == {}


def test_what_a_plan_does_not_say_of_computing_is_the_workspaces(folder: Path, write: Callable[..., Path]) -> None:
    def compute() -> dict[str, str]:
        graph = graph_of(write("one", edits="[{swap: cat=dog}]"))
        ((_, last),) = graph.items
        return graph.nodes[last].job.compute

    do(graph_of(write("one", edits="[]")))
    file = folder / "work" / "one" / "vp2p.yaml"
    file.write_text(file.read_text().replace("dtype: auto", "dtype: bf16").replace("device: cpu", "device: auto"))
    assert compute() == {"device": "cpu"}  # the plan's own


def test_a_damaged_result_is_told(folder: Path, write: Callable[..., Path]) -> None:
    plan = write("one", edits="[{swap: cat=dog}]")
    do(graph_of(plan))
    (folder / "work" / "one" / "edit" / "dog" / "edited.mp4").write_bytes(b"")
    graph = graph_of(plan)
    ((_, last),) = graph.items
    assert "edited.mp4 is damaged" in graph.nodes[last].failure.cause and graph.needed() == {}


@pytest.mark.parametrize(
    ("edits", "line", "cause"),
    [
        ("\n  - {swap: cat=dog}\n  - {swap: horse=bird}", 13, 'no word "horse"'),
        ("\n  - {cross_replace: 0.2, name: none}", 12, "no edit to make"),
        ("\n  - {swap: cat=dog, guide: optimised}", 12, "needs optimised embeddings"),
        (f"\n  - {{prompt: {'dog ' * 90}}}", 12, "tokens"),
    ],
)
def test_words_are_checked_by_the_model(write: Callable[..., Path], edits: str, line: int, cause: str) -> None:
    with pytest.raises(PlanError) as caught:
        graph_of(write("one", edits=edits))
    (mistake,) = caught.value.diagnostics
    assert (mistake.line, cause in mistake.cause) == (line, True), mistake


def test_these_mistakes_join_the_others(write: Callable[..., Path]) -> None:
    plan = write("one", "gone", edits="[{swap: horse=dog}, {swap: cat=dog, blend: 7}]", more="surplus: 1")
    with pytest.raises(PlanError) as caught:
        graph_of(plan)
    told = [mistake.cause for mistake in caught.value.diagnostics]
    for cause in ("no key 'surplus'", 'no word "horse"', "blend is 7", "no video"):
        assert any(cause in one for one in told), (cause, told)


def test_a_video_without_edits_is_inverted(write: Callable[..., Path]) -> None:
    graph = graph_of(write("one", edits="[]"))
    assert stages(graph) == ["init", "tune", "invert"] and graph.items[0][0].edit is None


def test_the_prompt_is_part_of_the_workspace(folder: Path, write: Callable[..., Path]) -> None:
    plan = write("one", edits="[]")
    do(graph_of(plan))
    plan.write_text(plan.read_text().replace(PROMPT, "a cat is on the grass"))
    graph = graph_of(plan)
    assert not any(node.finished for node in graph.nodes.values())
    assert all(node.job.folder.name.startswith("one-") for node in graph.nodes.values())


def test_edits_of_a_plan_share_the_mask_of_a_point(write: Callable[..., Path], folder: Path) -> None:
    quick = "mask_point: ['14,30'], candidates: 0, propagate: false"
    edits = f"[{{name: dog, swap: cat=dog, {quick}}}, {{name: bird, swap: cat=bird, {quick}}}]"
    path = write("one", steps=0, edits=edits)
    do(graph_of(path))
    (mask,) = (folder / "work" / "one" / "mask").glob("[!.]*")
    assert (mask / "mask.safetensors").is_file()
    again = graph_of(path)
    assert not again.needed()
    (edit, _) = (node for node in again.nodes.values() if node.job.stage == "edit")
    assert edit.planned is not None and edit.planned.parents["mask"].name == mask.name


def test_a_plan_with_a_wrong_mask_is_refused_before_anything_is_made(write: Callable[..., Path], folder: Path) -> None:
    for option, cause in (
        ("mask_point: ['14;30']", "two numbers"),
        ("mask_text: cat, mask: one.mp4", "both say where"),
    ):
        with pytest.raises(PlanError) as refused:
            graph_of(write("one", edits=f"[{{swap: cat=dog, {option}}}]"))
        assert cause in refused.value.cause and "plan.yaml:" in refused.value.cause
    assert not (folder / "work").exists()
