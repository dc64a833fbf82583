"""The methods that are compared: one table of settings, where they are not the defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Mapping, Sequence

import yaml

from vp2p.defaults import for_model
from vp2p.errors import UsageError
from vp2p.models.card import Card, local_card
from vp2p.schema import from_mapping, setting_name, to_mapping
from vp2p.settings import PAPER_STEPS, EditSettings, InvertSettings, ModelSettings, TuneSettings

Sections = Mapping[str, Mapping[str, Any]]
_STAGES = ("model", "tune", "invert", "edit")
_PUBLISHED: Sections = {"tune": {"steps": PAPER_STEPS}, "invert": {"steps": 50}}


@dataclass(frozen=True)
class Method:
    """Settings by section, where they differ from the defaults.

    ``of`` says what is scored. An ``edit`` is one of the case's clip. The others are ceilings: the
    ideal clip as the VAE alone (``vae``), or inversion and the way back (``inverted``), return it. ``below`` are
    defaults of its own, below changes that are made for all methods.
    """

    name: str
    settings: Sections = field(default_factory=dict)
    of: Literal["edit", "vae", "inverted"] = "edit"
    below: Sections = field(default_factory=lambda: _PUBLISHED)

    @property
    def model(self) -> ModelSettings:
        return from_mapping(ModelSettings, self.settings.get("model", {}))

    @property
    def tune(self) -> TuneSettings:
        return for_model(self._card, "tune", self._of("tune"))

    @property
    def invert(self) -> InvertSettings:
        return for_model(self._card, "invert", self._of("invert"))

    def edit(self, case: Mapping[str, Any]) -> EditSettings:
        """The method's edit with what a case asks for."""
        return for_model(self._card, "edit", {**case, **self.settings.get("edit", {})})

    def recorded(self) -> dict[str, Any]:
        """All settings by section; of the edit's, those that the case leaves to the method."""
        sections = {"model": self.model, "tune": self.tune, "invert": self.invert, "edit": self.edit({})}
        return {section: to_mapping(settings) for section, settings in sections.items()}

    def _of(self, section: str) -> dict[str, Any]:
        return {**self.below.get(section, {}), **self.settings.get(section, {})}

    @property
    def _card(self) -> Card:
        return local_card(self.model.model)


_PAPER = {"self_target": "temporal", "propagate": False, "paste": False, "reweight_text": False}
_PLAIN = {**_PAPER, "cross_replace": 0.0, "self_replace": 0.0, "no_blend": True}


def _as_paper(name: str, invert: Mapping[str, Any] | None = None, **edit: Any) -> Method:
    """The paper's settings with changes."""
    return Method(name, {"invert": {"method": "null-text", **(invert or {})}, "edit": {**_PAPER, **edit}})


_BUILT_IN = (
    Method("default", below={}),
    _as_paper("paper"),
    Method(
        "released",
        {
            "model": {"group_norm": "joint"},
            "tune": {"steps": 300},
            "invert": {"method": "null-text"},
            "edit": {**_PAPER, "cross_replace": 0.2, "self_replace": 0.5},
        },
    ),
    _as_paper("per-frame", {"null": "per-frame"}),
    _as_paper("optimised", guide="optimised"),
    _as_paper("empty", guide="empty"),
    _as_paper("ddim", {"method": "ddim"}),
    _as_paper("direct", {"method": "direct"}),
    Method(
        "image-p2p",
        {
            "model": {"attention": "self"},
            "tune": {"steps": 0},
            "invert": {"method": "null-text", "null": "per-frame"},
            "edit": {**_PAPER, "self_target": "frame"},
        },
    ),
    Method("tune-a-video", {"invert": {"method": "ddim"}, "edit": _PLAIN}),
    Method("dreamix", {"tune": {"mixed": 0.5}, "invert": {"method": "noise"}, "edit": {**_PLAIN, "strength": 0.8}}),
    Method("ideal-vae", of="vae"),
    Method("ideal-inverted", {"invert": {"method": "null-text"}, "edit": _PAPER}, of="inverted"),
)
METHODS: Mapping[str, Method] = {method.name: method for method in _BUILT_IN}


def read_method(text: str, common: Sequence[str] = ()) -> Method:
    """A method by its name, with settings changed: ``direct,edit.cross_replace=0.6,tune.steps=100``.

    Args:
        common: changes of the defaults, such as ``invert.steps=20``, for what neither the method's own
            table nor ``text`` says.

    Raises:
        UsageError: an unknown method, or a wrong setting.
    """
    name, *changes = text.split(",")
    if name not in METHODS:
        raise UsageError(f"There is no method {name!r}.", f"methods: {', '.join(METHODS)}")
    base = METHODS[name]
    settings = _changes(common)
    for section, values in (*base.settings.items(), *_changes(changes).items()):
        settings.setdefault(section, {}).update(values)
    method = Method(text, settings, base.of, base.below)
    method.model, method.tune, method.invert, method.edit({})
    return method


def _changes(texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Settings by section, of texts such as ``tune.steps=100``."""
    settings: dict[str, dict[str, Any]] = {}
    for change in texts:
        key, equals, value = change.partition("=")
        section, _, option = key.partition(".")
        if not equals or section not in _STAGES or not option:
            raise UsageError(f"{change!r} changes no setting of a method.", "write it like edit.cross_replace=0.6")
        try:
            settings.setdefault(section, {})[setting_name(option)] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise UsageError(f"{change!r} holds no value.", "write it like edit.cross_replace=0.6") from error
    return settings
