"""A run's identity: the same for the same inputs, whatever their order, the place, the language or the time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vp2p.workspace.identity import identity

ROOT = Path(__file__).parents[2]
# What identities are made of: JSON values, in mappings whose keys are text.
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
INPUTS = st.dictionaries(st.text().filter(lambda key: key not in ("format", "stage")), VALUES, max_size=6)


def reordered(value: object, draw: st.DataObject) -> object:
    """The same value with the keys of each mapping in another order."""
    if isinstance(value, dict):
        keys = draw.draw(st.permutations(list(value)))
        return {key: reordered(value[key], draw) for key in keys}
    return [reordered(item, draw) for item in value] if isinstance(value, list) else value


@given(INPUTS, st.data())
def test_the_order_of_keys_does_not_count(inputs: dict, data: st.DataObject) -> None:
    assert identity("tune", reordered(inputs, data)) == identity("tune", inputs)


@given(INPUTS)
def test_what_comes_back_from_a_file_has_the_same_identity(inputs: dict) -> None:
    assert identity("tune", json.loads(json.dumps(inputs))) == identity("tune", inputs)


@given(INPUTS, INPUTS)
def test_other_inputs_have_another_identity(one: dict, other: dict) -> None:
    assume(json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True))
    assert identity("tune", one) != identity("tune", other)
    assert identity("tune", one) != identity("invert", one)


_DIGESTS = """
import json, os, sys
from pathlib import Path
os.umask(int(sys.argv[2], 8))
try:
    import locale
    locale.setlocale(locale.LC_ALL, "")
except locale.Error:
    pass
from vp2p.schema import to_mapping
from vp2p.settings import ClipSettings, EditSettings
from vp2p.stages.source import content_digest
from vp2p.workspace.identity import identity
folder = Path(sys.argv[1])
(folder / "frames").mkdir(parents=True)
for name in ("b.png", "a.png", "\\u00e9.png"):
    (folder / "frames" / name).write_bytes(name.encode())
edit = EditSettings.of(reweight=("gr\\u00fcn:1.5",))
inputs = {"clip": to_mapping(ClipSettings(start=0.5)), "edit": to_mapping(edit)}
print(identity("edit", {**inputs, "content": content_digest(folder / "frames")}))
"""


def test_place_language_time_and_umask_do_not_count(tmp_path: Path) -> None:
    def digest(place: str, umask: str, **environment: str) -> str:
        kept = {key: value for key, value in os.environ.items() if key not in ("LANG", "LC_ALL", "TZ", "PYTHONUTF8")}
        command = [sys.executable, "-c", _DIGESTS, str(tmp_path / place), umask]
        return subprocess.run(
            command, cwd=ROOT, env=kept | environment, check=True, capture_output=True, text=True
        ).stdout

    first = digest("here", "022", LC_ALL="C.UTF-8", TZ="UTC", PYTHONHASHSEED="1")
    assert len(first.strip()) == 64
    assert first == digest("deep/er/dört", "077", LC_ALL="tr_TR.UTF-8", TZ="Asia/Kathmandu", PYTHONHASHSEED="2")
    assert first == digest("there", "000", LC_ALL="C", TZ="America/St_Johns", PYTHONUTF8="1", PYTHONHASHSEED="3")


@settings(max_examples=25)
@given(st.dictionaries(st.text("abcxyz", min_size=1, max_size=8), st.binary(max_size=40), min_size=1, max_size=5))
def test_a_folder_of_pictures_is_known_by_names_and_contents(files: dict[str, bytes]) -> None:
    import tempfile

    from vp2p.stages.source import content_digest

    with tempfile.TemporaryDirectory() as scratch:
        digests = set()
        for number, names in enumerate((sorted(files), sorted(files, reverse=True))):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            for name in names:
                (folder / name).write_bytes(files[name])
                os.utime(folder / name, (number, number))
            digests.add(content_digest(folder))
        assert len(digests) == 1
        (folder / names[0]).write_bytes(files[names[0]] + b"!")
        assert content_digest(folder) not in digests
