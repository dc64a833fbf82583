"""What reads which option: a table of those that do nothing in some setting, and a note on each that is given there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable, Collection, Iterable, Mapping, NamedTuple

from vp2p.schema import options
from vp2p.settings import NO_MODEL, OPTIMISING, EditSettings, InvertSettings, MaskSettings, TuneSettings
from vp2p.text import typed

if TYPE_CHECKING:
    from vp2p.prompts.plan import EditPlan

Unread = Mapping[str, str]
"""The options, by flat name, that nothing reads, with what follows "has no effect": "with --no-blend"."""

Rule = tuple[str, Callable[[Any], bool], Collection[str]]
"""Why options are not read, when that holds, and which ones."""


class EditCase(NamedTuple):
    """An edit as it is known before it is made; ``long`` is whether its clip passes the model in windows."""

    settings: EditSettings
    plan: EditPlan
    inversion: InvertSettings
    long: bool = False

    @property
    def guidance(self) -> float:
        own = self.settings.control.guidance
        return self.inversion.guidance if own is None else own


_FINDING = ("mask_threshold", "mask_grow", "segmenter", "detector")
_OF_MASKS: tuple[Rule, ...] = (
    ("without --mask-text or --mask-point", lambda it: not it.asked, _FINDING),
    ("with --mask-point", lambda it: bool(it.points), ("mask_threshold", "detector")),
    ("with --segmenter none", lambda it: it.segmenter == NO_MODEL, ("detector",)),
)

_CUT = ("blend_threshold", "blend_peak", "blend_soft")
_TRIED = ("candidates", "seed")
_DRAWN = (*_TRIED, "in_place")
_COMPOSITE = ("propagate", "paste", *_DRAWN, "per_phrase", "render")
_OF_EDITS: tuple[Rule, ...] = (
    (
        "with --no-blend",
        lambda it: it.settings.blend.off,
        (*_CUT, "blend_levels", "blend_start", *_COMPOSITE, "modulate", "self_blend"),
    ),
    *(
        (f"with {way}", lambda it, way=way: it.settings.blend.given == way, (*_CUT, "in_place", "per_phrase"))
        for way in ("--mask", "--mask-text", "--mask-point")
    ),
    ("with --blend", lambda it: bool(it.settings.blend.words), ("per_phrase",)),
    ("with --no-propagate", lambda it: not it.settings.composite.propagate, _DRAWN),
    ("with --candidates 0", lambda it: not it.settings.composite.candidates, ("seed",)),
    ("with --no-paste", lambda it: not it.settings.composite.paste, ("per_phrase",)),
    (
        "with --no-propagate and --no-paste",
        lambda it: not (it.settings.composite.propagate or it.settings.composite.paste),
        ("render",),
    ),
    ("with a clip that passes in windows", lambda it: it.long, ("render",)),
    ("where no word changes", lambda it: it.plan.kind in ("same", "reweight"), (*_DRAWN, "new_weight")),
    ("where words are only taken away", lambda it: not it.plan.changed_words, (*_DRAWN, "new_weight")),
    ("where no word takes another's place", lambda it: not it.plan.replaces, ("in_place",)),
    ("where an edit cannot be divided", lambda it: not _divides(it), ("per_phrase",)),
    ("without --reweight", lambda it: not it.settings.words.reweight, ("reweight_text",)),
    ("with --self-target temporal", lambda it: it.settings.control.self_target == "temporal", ("self_blend",)),
    (
        "where no self-attention is replaced",
        lambda it: it.settings.control.self_window == 0,
        ("self_target", "self_blend"),
    ),
    ("with a guidance of 1", lambda it: it.guidance == 1, ("negative_prompt", "guidance_interval")),
    (
        "with an inversion that optimises no embeddings",
        lambda it: it.inversion.method not in OPTIMISING,
        ("guide",),
    ),
)

_OF_TUNING: tuple[Rule, ...] = (
    ("with --steps 0", lambda it: it.steps == 0, [one.name for one in options(TuneSettings) if one.name != "steps"]),
)


def unread_by_edit(case: EditCase) -> Unread:
    """Which options of an edit do nothing beside the others."""
    return {**_unread(_OF_MASKS, case.settings.blend.found), **_unread(_OF_EDITS, case)}


def unread_by_mask(settings: MaskSettings) -> Unread:
    """Which options do nothing where a mask is found."""
    return _unread(_OF_MASKS, settings)


def unread_by_tune(settings: TuneSettings) -> Unread:
    """Which options of tuning do nothing beside the others."""
    return _unread(_OF_TUNING, settings)


def unread_by_invert(settings: InvertSettings) -> Unread:
    """Which options of an inversion are those of other methods alone."""
    from vp2p.method.inversion.methods import METHODS

    others = {name for method in METHODS.values() for name in method.OPTIONS} - {*METHODS[settings.method].OPTIONS}
    return dict.fromkeys(others, f"with --method {settings.method}")


def given(settings: Any, usual: Any) -> Mapping[str, Any]:
    """The options, by flat name, whose value is another than the ``usual`` one: where a command names none."""
    values = ((one.name, one.of(settings), one.of(usual)) for one in options(type(settings)))
    return {name: value for name, value, other in values if value != other}


def without_effect(given: Mapping[str, Any], unread: Unread) -> tuple[str, ...]:
    """A note for each option that is given and not read; without candidates to try there is nothing to be told."""
    idle = {name: value for name, value in given.items() if name in unread and (name != "candidates" or value)}
    return tuple(f"{as_option(name, value)} has no effect {unread[name]}" for name, value in idle.items())


def as_option(name: str, value: object) -> str:
    """An option as it is typed: ``--mask-grow 2``, ``--no-propagate``."""
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    return f"--{flag} {f'{value:g}' if isinstance(value, float) else typed(str(value))}"


def _divides(case: EditCase) -> bool:
    from vp2p.prompts.phrases import divides

    settings = case.settings
    return divides(case.plan, replace(settings, composite=replace(settings.composite, per_phrase=True)))


def _unread(rules: Iterable[Rule], case: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for why, holds, names in rules:
        if holds(case):
            found = {**dict.fromkeys(names, why), **found}
    return found
