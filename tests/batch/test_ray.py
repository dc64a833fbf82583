"""The same plans on a real Ray cluster of three nodes on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from tests.batch.conftest import leftovers, results, states, tuning, wait_for
from tests.cli.running import vp2p
from tests.cli.test_signals import sent
from vp2p.workspace.lock import lock_path

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install -e .[ray]")
pytestmark = pytest.mark.slow
TWO = "[{name: dog, swap: cat=dog}, {name: sand, swap: [grass=sand]}]"
SMALL = {"object_store_memory": 80 * 2**20, "include_dashboard": False}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head that does no work, and two nodes of one core each."""
    from ray.cluster_utils import Cluster

    patch = pytest.MonkeyPatch()
    patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    patch.setenv("RAY_worker_niceness", "0")
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **SMALL})
    for _ in range(2):
        made.add_node(num_cpus=1, **SMALL)
    yield made
    made.shutdown()
    patch.undo()


def parent(pid: int) -> int:
    return int(subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, check=True).stdout)


def processes(node: Any) -> set[int]:
    return {info.process.pid for infos in node.all_processes.values() for info in infos}


def test_a_node_is_killed_in_mid_run(cluster: Any, folder: Path, write: Callable[..., Path]) -> None:
    work = folder / "work"
    more = "settings: [{name: a}, {name: b, tune: {steps: 2}}]"
    plan = write("one", "two", "bad", steps=80, edits=TWO, more=more)

    over = threading.Event()

    def kill() -> None:
        wait_for(lambda: over.is_set() or tuning(work / "one", 5))  # the tuning of 2 steps may run beside it
        (run,) = tuning(work / "one", 5)
        worker = json.loads(lock_path(run).read_bytes())["pid"]
        os.kill(worker, signal.SIGSTOP)  # or it could end its task while its node is being found
        raylet = parent(worker)
        (node,) = (node for node in cluster.worker_nodes if raylet in processes(node))
        cluster.remove_node(node, allow_graceful=False)
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    ran = vp2p("batch", plan, "--ray", cluster.address, "--json")
    over.set()
    killer.join()
    cluster.add_node(num_cpus=1, **SMALL)
    found = states(ran.out)
    assert ran.code == 3, ran.err
    assert {names for names, state in found.items() if state == "failed"} == {
        ("bad", settings, edit) for settings in "ab" for edit in ("dog", "sand")
    }
    assert len(found) == 12 and "on another worker" in ran.err
    for name in ("one", "two"):
        assert len(list((work / name / "edit").glob("*-[ab]/edited.mp4"))) == 4
    assert leftovers(work) == []
    outlook = vp2p("batch", plan, "--dry-run").out.splitlines()
    assert sum(" edit" in line and line.endswith(": up to date (finished)") for line in outlook) == 8


def test_an_interrupted_plan_goes_on(cluster: Any, folder: Path, write: Callable[..., Path]) -> None:
    work, plan = folder / "work", write("one", "two", steps=80, edits=TWO)
    with sent(signal.SIGTERM, lambda: tuning(work / "one", 5)):
        ran = vp2p("batch", plan, "--ray", cluster.address, "--json")
    assert ran.code == 143 and results(ran.out) == []
    assert list(work.glob("one/tune/*/checkpoint/*")) and leftovers(work) == []
    again = vp2p("batch", plan, "--ray", cluster.address, "--json")
    assert again.code == 0 and set(states(again.out).values()) == {"done"}


def test_needs_that_no_node_has_are_refused(cluster: Any, folder: Path, write: Callable[..., Path]) -> None:
    plan = write("one", more="resources: {tune: {gpus: 4, memory: 20GB}}")
    ran = vp2p("batch", plan, "--ray", cluster.address)
    assert ran.code == 2 and "4 GPU" in ran.cause and not (folder / "work").exists()


def test_a_cluster_that_is_not_there(folder: Path, write: Callable[..., Path]) -> None:
    ran = vp2p("batch", write("one"), "--ray", "127.0.0.1:1")
    assert ran.code == 1 and "127.0.0.1:1" in ran.cause and "ray start" in ran.hint
