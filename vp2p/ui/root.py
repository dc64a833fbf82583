"""The folder that a page may open: its workspaces, its models, and names for new ones."""

from __future__ import annotations

from pathlib import Path

from vp2p.errors import NoWorkspaceError, UsageError
from vp2p.models.at_hand import is_model
from vp2p.models.named import is_checkpoint
from vp2p.models.sources import ALIASES, BUNDLED
from vp2p.stages.redo import redo
from vp2p.text import quoted
from vp2p.workspace import Workspace
from vp2p.workspace.config import NAME as CONFIG
from vp2p.workspace.names import check_workspace_name, cut_name, name_of_words


class Root:
    """A folder of workspaces, or one workspace. Names come from the browser: only those listed here lead anywhere.

    Raises:
        UsageError: it is no folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UsageError(f"There is no folder {folder}.", "name a folder of workspaces, or make it first")
        self.folder = folder.resolve()
        self.is_workspace = (self.folder / CONFIG).is_file()

    def names(self) -> list[str]:
        """The workspaces, the newest first. Links are left out: they may lead elsewhere."""
        if self.is_workspace:
            return [self.folder.name]
        found = [path.parent for path in self.folder.glob(f"*/{CONFIG}") if not path.parent.is_symlink()]
        return [path.name for path in sorted(found, key=lambda path: -(path / CONFIG).stat().st_mtime)]

    def workspace(self, name: str) -> Workspace:
        """The workspace of this name. Raises NoWorkspaceError if none of the listed ones has it."""
        if name not in self.names():
            raise NoWorkspaceError(f"There is no workspace {quoted(str(name), 80)} here.", "choose one of the list")
        folder = self.folder if self.is_workspace else self.folder / name
        return Workspace.find(explicit=folder, redo=redo)

    def models(self) -> list[str]:
        """What a new workspace may choose: the bundled model, the aliases, and the models that lie in the folder."""
        here = [path for path in sorted(self.folder.iterdir()) if not path.is_symlink()]
        return [BUNDLED, *ALIASES, *(path.name for path in here if is_checkpoint(path) or is_model(path))]

    def new_name(self, wanted: str, prompt: str) -> str:
        """``wanted`` if it may name a new workspace; where it is empty, a free name made of the prompt's words.

        Raises:
            UsageError: it may not, or is taken.
        """
        if self.is_workspace:
            raise UsageError("This page shows one workspace.", f"vp2p ui {self.folder.parent}")
        if wanted.strip():
            name = check_workspace_name(wanted.strip())
            if self._taken(name):
                raise UsageError(f"There is a {quoted(name)} already.", "give another name")
            return name
        base = check_workspace_name(name_of_words(prompt) or "clip")
        number, name = 1, base
        while self._taken(name):
            number += 1
            name = cut_name(base, f"-{number}")
        return name

    def _taken(self, name: str) -> bool:
        """Whether a file or folder has this name, whatever its suffix and its case."""
        wanted = name.casefold()
        return any(wanted in (path.name.casefold(), path.stem.casefold()) for path in self.folder.iterdir())
