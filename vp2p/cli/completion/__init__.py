"""Completion that looks: at workspaces, runs, words, files and settings. It never fails or prints.

Nothing here imports torch or a tokenizer: each key press starts a new process.
"""

from vp2p.cli.completion.networks import clip_models, model_folders, models
from vp2p.cli.completion.paths import archives, clips, plans, templates
from vp2p.cli.completion.settings import completer_of, grid_axes, setting_keys, setting_values
from vp2p.cli.completion.values import fixed, fresh_token, numbers
from vp2p.cli.completion.words import blend_words, prompt_words, scenes, sentences
from vp2p.cli.completion.workspace import any_run, edit_names, runs, shown_runs, tags, workspaces, workspaces_or_folders

__all__ = [
    "any_run",
    "archives",
    "blend_words",
    "clip_models",
    "clips",
    "completer_of",
    "edit_names",
    "fixed",
    "fresh_token",
    "grid_axes",
    "model_folders",
    "models",
    "numbers",
    "plans",
    "prompt_words",
    "runs",
    "scenes",
    "sentences",
    "setting_keys",
    "setting_values",
    "shown_runs",
    "tags",
    "templates",
    "workspaces",
    "workspaces_or_folders",
]
