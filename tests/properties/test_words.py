"""Whatever is typed after --swap, --reweight, --window, --blend and --prompt: a plan, or a sentence and a hint."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import CLIPTokenizer

from tests.cli.conftest import Make
from tests.cli.running import vp2p
from vp2p.errors import UsageError
from vp2p.prompts.plan import plan_words
from vp2p.prompts.scripts import clusters
from vp2p.prompts.words import find_word, key, split_prompt
from vp2p.settings import EditSettings
from vp2p.stages.naming import default_name
from vp2p.workspace.names import check_edit_name

PROMPT = "a cat and a cat on the grass"
STEPS = 6
# Words of the prompt and others, the marks of the options' grammar, numbers of every kind, and any text at all.
PIECES = st.text(max_size=6) | st.sampled_from(
    [
        *"a cat dog grass the on cat#1 cat#2 cat#9 cat#0 # = : == ' - , . \\ \" 猫 é \u0301 \u200d 🐈 \u2028".split(
            " "
        ),
        *"1 2 -1 0.5 .5 1e9 1e400 nan inf 0:1 0.2:0.1 \x00 \x1b[31m [red] %s {0} $(ls) ../".split(" "),
    ]
)
TEXTS = st.lists(PIECES, max_size=6).map(" ".join) | st.lists(PIECES, max_size=5).map("".join)
SWAPS = st.tuples(TEXTS, TEXTS).map("=".join) | TEXTS
MANY = st.lists(TEXTS, max_size=3).map(tuple)
NEAR = st.sampled_from(
    ("cat#1=dog", "grass=sand", "cat#2=cow", "the grass=a beach", "cat#1=baby elephant", "cat and a=owl", "Cat#1=Dog")
)
WEIGHTS = st.sampled_from(("dog:2", "grass:0.5", "cat#1:-1", "dog:0->3", "grass:1->-1", "dog:->", "dog:1e3")) | TEXTS
WINDOWS = st.sampled_from(("dog=0:0.5", "grass=0.3", "grass=0.5:0.5")) | TEXTS


def refused(error: UsageError) -> None:
    """An error is one sentence, and says what to type."""
    assert error.cause.strip() and error.hint.strip() and error.exit_code == 2


@settings(max_examples=400)
@given(
    swap=st.lists(NEAR | SWAPS, max_size=3).map(tuple),
    prompt=st.none() | TEXTS,
    reweight=st.lists(WEIGHTS, max_size=2).map(tuple),
    window=st.lists(WINDOWS, max_size=2).map(tuple),
    blend=MANY,
)
@example(swap=("cat#1=dog",), prompt=None, reweight=("dog:2",), window=("dog=0.1:0.8",), blend=("dog",))
def test_an_edit_is_planned_or_refused(
    clip_words: CLIPTokenizer,
    swap: tuple[str, ...],
    prompt: str | None,
    reweight: tuple[str, ...],
    window: tuple[str, ...],
    blend: tuple[str, ...],
) -> None:
    length = clip_words.model_max_length
    try:
        asked = EditSettings.of(swap=swap, prompt=prompt, reweight=reweight, window=window, blend=blend)
        plan = plan_words(clip_words, PROMPT, asked, STEPS, length)
    except UsageError as error:
        return refused(error)
    assert plan.kind in ("same", "reweight", "swap", "refine")
    assert plan.weights.table.shape == (STEPS, length) and plan.windows.shape == (STEPS + 1, length)
    assert bool(torch.isfinite(plan.weights.table).all()) and set(plan.windows.unique().tolist()) <= {0.0, 1.0}
    for step in range(STEPS):
        assert bool(torch.isfinite(plan.at(step).source).all())
    assert plan.blend is None or all(0 < token < length for tokens in plan.blend for token in tokens)


@given(st.lists(NEAR | SWAPS, min_size=1, max_size=3).map(tuple))
def test_a_swap_puts_its_words_into_the_prompt(clip_words: CLIPTokenizer, swap: tuple[str, ...]) -> None:
    try:
        plan = plan_words(clip_words, PROMPT, EditSettings.of(swap=swap), STEPS, clip_words.model_max_length)
    except UsageError as error:
        return refused(error)
    for text in swap:
        assert " ".join(text.partition("=")[2].split()) in plan.target.prompt


# Letters, marks, emoji and joiners of many scripts.
SCRIPTS = st.text(
    alphabet=st.one_of(
        st.sampled_from("aZ 5-'$&#=:\u0301\u200c\u200d\ufe0f\u20e3İßΣ"),
        st.sampled_from("猫草上ねこネーคมว\u0e33\u0e49ກរ\u17d2한글\u1112\u1161\u11abقِطّक\u094dע"),
        st.sampled_from("🐱🏖👍🏽👩🚀🇩🇪★°\U000e0067Ａ"),
    ),
    max_size=12,
)


@settings(max_examples=300)
@given(SCRIPTS)
def test_words_of_every_script_can_be_named(clip_words: CLIPTokenizer, prompt: str) -> None:
    """Each word has tokens of its own, is cut at no character, and its numbered name finds it."""
    tokenized = split_prompt(clip_words, prompt)
    borders = {at for span in clusters(prompt) for at in span}
    taken = [token for word in tokenized.words for token in word.tokens]
    assert taken == sorted(set(taken))
    for word in tokenized.words:
        assert word.tokens and {word.start, word.end} <= borders
        alike = [other for other in tokenized.words if key(other.text) == key(word.text)]
        assert find_word(tokenized, f"{word.text}#{alike.index(word) + 1}") == word


@settings(max_examples=300)
@given(SCRIPTS, SCRIPTS, SCRIPTS)
def test_an_edit_in_every_script_is_planned_and_has_a_name(
    clip_words: CLIPTokenizer, prompt: str, old: str, new: str
) -> None:
    for asked in (EditSettings.of(swap=(f"{prompt[2:5] or old}={new}",)), EditSettings.of(prompt=new)):
        try:
            plan = plan_words(clip_words, prompt, asked, STEPS, clip_words.model_max_length)
        except UsageError as error:
            refused(error)
            continue
        assert check_edit_name(default_name(plan, asked))
        same = EditSettings.of(prompt=plan.target.prompt)
        by_prompt = plan_words(clip_words, prompt, same, STEPS, clip_words.model_max_length)
        assert by_prompt.target == plan.target
        if not plan.alignment.phrases:
            assert by_prompt.alignment == plan.alignment and by_prompt.blend == plan.blend


OPTIONS = st.tuples(st.sampled_from(("--swap", "--reweight", "--window", "--blend", "--prompt")), NEAR | SWAPS)


@settings(max_examples=30)
@given(st.lists(OPTIONS, min_size=1, max_size=3))
def test_the_command_line_plans_or_refuses(
    prepared: Make, tmp_path_factory: pytest.TempPathFactory, options: list[tuple[str, str]]
) -> None:
    """Through the whole command, with --dry-run: nothing is written."""
    folder = prepared("words", "invert")
    typed = [word for option, text in options for word in (f"{option}={text}",)]
    before = sorted(folder.rglob("*"))
    ran = vp2p("-w", folder, "edit", "--dry-run", *typed)
    assert "Traceback" not in ran.err and ran.code in (0, 2)
    if ran.code:
        assert ran.out == "" and ran.cause and ran.hint
    else:
        assert re.match(r"source \w+: up to date", ran.out)
    assert sorted(folder.rglob("*")) == before


NAMES = st.text(max_size=80) | st.lists(
    st.sampled_from((".", "..", "/", "\\", "-", "dog", "é", "\x00", "~", " ", "con", "a" * 70)), max_size=5
).map("".join)


@given(NAMES)
@example("../../vp2p.yaml")
@example("dog/../../tune")
@example(".hidden")
def test_no_name_leads_out_of_the_workspace(tmp_path: Path, name: str) -> None:
    from vp2p.workspace import Workspace

    workspace = Workspace(tmp_path)
    try:
        folder = workspace.run("edit", "0" * 64, name).folder
    except UsageError as error:
        return refused(error)
    assert folder.parent == tmp_path / "edit" and folder.resolve().parent == (tmp_path / "edit").resolve()
    assert not folder.name.startswith((".", "-")) and len(folder.name.encode()) <= 200
