"""Names of edits and artifacts: international ones pass, hostile ones do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from vp2p.errors import UsageError
from vp2p.workspace.names import check_edit_name, cut_name, file_in


@pytest.mark.parametrize("name", ["dog", "red.cat_2-b", "_x", "7", "猫", "кот", "बिल्ली", "x" * 64])
def test_good_names(name: str) -> None:
    assert check_edit_name(name) == name


def test_one_name_for_two_spellings_of_an_accent() -> None:
    assert check_edit_name("cafe\u0301") == check_edit_name("caf\u00e9") == "caf\u00e9"


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "a\\b", "/etc", ".x", "-x", "a b", "a\0b", "a\nb", "a\u202eb", "\udcff", "~", "a:b",
     "C:", "*", "x" * 65, "\U00020000" * 64, "😀"],
)  # fmt: skip
def test_hostile_names(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_edit_name(name)
    assert caught.value.exit_code == 2 and "--name" in caught.value.hint
    caught.value.cause.encode("utf-8")


def test_a_cut_name_stays_good() -> None:
    assert cut_name("dog", "-2") == "dog-2"
    assert cut_name("x" * 64, "-10") == "x" * 61 + "-10"


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/../../x", "/etc/passwd", "a\0b", "..\\x"])
def test_files_stay_in_their_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        file_in(tmp_path, name)


def test_files_may_lie_deeper(tmp_path: Path) -> None:
    assert file_in(tmp_path, "edited/0001.png") == tmp_path / "edited" / "0001.png"
