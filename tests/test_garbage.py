"""The search for garbage is off for a while only, and what is a program's own stays as it was."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import pytest

from vp2p.garbage import uncollected


class _Ring:
    def __init__(self) -> None:
        self.self = self


def test_garbage_is_found_again_afterwards() -> None:
    with pytest.raises(KeyError), uncollected():
        assert not gc.isenabled()
        gone = weakref.ref(_Ring())
        raise KeyError
    assert gc.isenabled() and gone() is not None
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("own", ["gc.disable()", "gc.freeze()"])
def test_what_a_program_has_set_itself_is_kept(own: str) -> None:
    code = f"""
import gc
from vp2p.garbage import uncollected
{own}
was = gc.isenabled(), gc.get_freeze_count()
with uncollected():
    pass
assert (gc.isenabled(), gc.get_freeze_count()) == was
"""
    subprocess.run([sys.executable, "-c", code], check=True)
