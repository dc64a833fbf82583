"""The workspace: a folder that holds a clip, its tuned model, its inversion and its edits."""

from vp2p.workspace.atomic import replacing
from vp2p.workspace.config import WorkspaceConfig
from vp2p.workspace.lock import run_lock
from vp2p.workspace.runs import RunFolder
from vp2p.workspace.tensors import load_tensors, save_tensors
from vp2p.workspace.workspace import Workspace

__all__ = ["RunFolder", "Workspace", "WorkspaceConfig", "load_tensors", "replacing", "run_lock", "save_tensors"]
