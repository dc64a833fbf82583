"""Edits of sentences in every script: what changes, what it is called, and what the hint says."""

from __future__ import annotations

import shlex
import unicodedata

import pytest
from transformers import CLIPTokenizerFast

from tests.tiny import save_tokenizer
from vp2p.errors import PromptError
from vp2p.prompts.plan import EditPlan, plan_words
from vp2p.prompts.swap import by_prompt
from vp2p.settings import EditSettings
from vp2p.stages.naming import default_name
from vp2p.workspace.names import check_edit_name


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> CLIPTokenizerFast:
    folder = tmp_path_factory.mktemp("tokenizer")
    save_tokenizer(folder, 77, "!", as_one_file=False)
    return CLIPTokenizerFast.from_pretrained(str(folder), local_files_only=True)


def _plan(tokenizer: CLIPTokenizerFast, source: str, **asked: object) -> tuple[EditPlan, str]:
    settings = EditSettings.of(**asked)  # type: ignore[arg-type]
    plan = plan_words(tokenizer, source, settings, 4, 77)
    return plan, default_name(plan, settings)


@pytest.mark.parametrize(
    ("prompt", "swap", "target", "name"),
    [
        ("a 🐱 on the grass", "🐱=🐶", "a 🐶 on the grass", "dog-face"),
        ("a 🇩🇪 on", "🇩🇪=🇫🇷", "a 🇫🇷 on", "flag-f-flag-r"),
        ("a 1\ufe0f\u20e3 on", "1\ufe0f\u20e3=2\ufe0f\u20e3", "a 2\ufe0f\u20e3 on", "2"),
        ("一只猫在草地上", "猫=狗", "一只狗在草地上", "狗"),
        ("一只猫在草地上", "草地=雪地", "一只猫在雪地上", "雪地"),
        ("แมวบนหญ้า", "แมว=แกะ", "แกะบนหญ้า", "แกะ"),
        ("猫が草の上にいる", "猫=いぬ", "いぬが草の上にいる", "いぬ"),
        ("고양이가 잔디 위에", "고양이=강아지", "강아지가 잔디 위에", "강아지"),
        ("قطة على العشب", "قطة=كلب", "كلب على العشب", "كلب"),
        ("कुत्ता घास पर", "कुत्ता=बिल्ली", "बिल्ली घास पर", "बिल्ली"),
        ("a E=mc2 sign", "E=mc2=F=ma", "a F=ma sign", "f-ma"),
        ("a C++ sign", "C++=Rust", "a Rust sign", "rust"),
        ("a & b", "&=+", "a + b", "plus-sign"),
        ("a :smile: [red] cat", "[red]=[blue]", "a :smile: [blue] cat", "blue"),
    ],
)
def test_a_swap_in_every_script(tokenizer: CLIPTokenizerFast, prompt: str, swap: str, target: str, name: str) -> None:
    plan, called = _plan(tokenizer, prompt, swap=(swap,))
    assert (plan.target.prompt, called) == (target, name)
    assert check_edit_name(called) == unicodedata.normalize("NFC", called)
    by_prompt, _ = _plan(tokenizer, prompt, prompt=target)  # which has the same identity
    assert by_prompt.alignment == plan.alignment and by_prompt.blend == plan.blend


def test_only_the_changed_part_of_a_sentence_without_spaces_changes(tokenizer: CLIPTokenizerFast) -> None:
    plan, _ = _plan(tokenizer, "แมวบนหญ้า", prompt="หมาบนหญ้า")
    assert [word.text for word in plan.target.words] == ["หมา", "บนหญ้า"]
    assert plan.alignment.swapped == ((tuple(range(1, 10)), tuple(range(1, 10))),)
    assert plan.blend == (tuple(range(1, 10)),) * 2
    plan, _ = _plan(tokenizer, "一只猫在草地上", prompt="一只猫在草地上", reweight=("猫:2",))
    assert plan.blend == ((7, 8, 9), (7, 8, 9)) and plan.weights.table[0, 6:11].tolist() == [1, 2, 2, 2, 1]


def test_a_part_that_tokens_do_not_allow_has_a_prompt_to_type(tokenizer: CLIPTokenizerFast) -> None:
    with pytest.raises(PromptError) as caught:
        _plan(tokenizer, "แมวบนหญ้า", swap=("ญ=ห",))
    assert shlex.split(caught.value.hint) == ["vp2p", "edit", "--prompt", "แมวบนหห้า"]
    assert shlex.split(by_prompt('a "$HOME" big dog')) == ["vp2p", "edit", "--prompt", 'a "$HOME" big dog']
