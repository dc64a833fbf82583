"""--device and --dtype."""

from __future__ import annotations

import pytest
import torch

from vp2p.errors import SlowWarning, UsageError
from vp2p.models.devices import choose_device, choose_dtype, quickest_dtype

CPU = torch.device("cpu")


def test_auto_takes_an_accelerator_where_there_is_one() -> None:
    there = torch.cuda.is_available() or torch.backends.mps.is_available()
    assert (choose_device("auto").type != "cpu") == there


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_absent_device(name: str) -> None:
    if {"cuda": torch.cuda, "mps": torch.backends.mps}[name].is_available():
        pytest.skip(f"{name} is here")
    with pytest.raises(UsageError, match=name) as caught:
        choose_device(name)
    assert "--device auto" in caught.value.hint


def test_dtypes_on_the_cpu() -> None:
    assert choose_dtype("auto", CPU) == torch.float32
    assert choose_dtype("bf16", CPU) == torch.bfloat16
    with pytest.raises(UsageError, match="fp16"):
        choose_dtype("fp16", CPU)


def test_bf16_is_warned_of_on_cpus_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    with pytest.warns(SlowWarning, match="--dtype fp32 is faster"):
        assert choose_dtype("bf16", CPU) == torch.bfloat16


@pytest.mark.parametrize(
    ("machine", "has_it", "dtype"),
    [("x86_64", True, "bf16"), ("x86_64", False, "auto"), ("AMD64", True, "bf16"), ("aarch64", True, "auto")],
)
def test_new_work_is_in_bf16_on_cpus_that_compute_in_it(
    machine: str, has_it: bool, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has_it, raising=False)
    assert quickest_dtype(CPU) == dtype
    assert quickest_dtype(torch.device("cuda")) == quickest_dtype(torch.device("mps")) == "auto"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_auto_on_cuda_is_half_precision() -> None:
    assert choose_dtype("auto", torch.device("cuda")) in (torch.bfloat16, torch.float16)
