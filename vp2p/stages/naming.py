"""Names for edits that are given none: their new words, and what tells those apart that have the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, Sequence

from vp2p.pipeline.unread import as_option
from vp2p.schema import to_mapping
from vp2p.settings import EditSettings
from vp2p.stages.differences import differing
from vp2p.workspace.names import name_of_words

if TYPE_CHECKING:
    from vp2p.prompts.plan import EditPlan
    from vp2p.stages.edit import PlannedEdit

# What a name says of an edit by its words.
_IN_NAMES = ("swap", "prompt", "reweight")


def default_name(plan: EditPlan, settings: EditSettings) -> str:
    """A name for an edit: its new words, then its weights; at most 48 characters."""
    from vp2p.prompts.swap import inner_swaps

    parts = list(plan.changed_words)
    if inner_swaps(settings.words.swap):  # the words as they were said, where no space says where they end
        sides = [text.rpartition("=")[2].strip() for text in settings.words.swap]
        parts = sides if all(side in plan.target.prompt for side in sides) else parts
    if not parts and not settings.words.reweight:
        parts = [plan.changed_signs or "same"]
    parts += [text.replace("->", "-to-").replace(":", "-").replace("#", "-") for text in settings.words.reweight]
    return name_of_words("-".join(parts)) or "edit"


def base_name(plan: EditPlan, settings: EditSettings, beside: str) -> str:
    """A name for an edit that is given none, before a number is put behind it; see :func:`told_apart`."""
    return name_of_words(f"{default_name(plan, settings)}-{beside}")


def told_apart(plans: Sequence[PlannedEdit]) -> list[str]:
    """For each of several edits, the options in which it is unlike others of the same name, as "seed-2"."""
    alike: dict[str, dict[str, Mapping[str, Any]]] = {}
    for one in plans:
        settings = {name: value for name, value in to_mapping(one.settings).items() if name not in _IN_NAMES}
        alike.setdefault(default_name(one.words, one.settings), {})[one.run.identity] = settings
    found = []
    for one in plans:
        family = alike[default_name(one.words, one.settings)]
        mine = family[one.run.identity]
        values = {name: mine[name] for name in differing([*family.values()]) if mine[name] not in (None, [])}
        found.append("-".join(as_option(name, _short(value))[2:] for name, value in values.items()))
    return found


def _short(value: Any) -> Any:
    """A value in a name: of a path its last part."""
    return value.rpartition("/")[2] if isinstance(value, str) else value
