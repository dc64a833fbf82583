"""Which settings are in force: card < user config < vp2p.yaml < environment < option.

The command line, the batch, the bench and the Python API all ask here. They differ only in what they read
besides the model's card:

- the command line: user config, ``vp2p.yaml``, environment and options;
- ``open_workspace`` in Python: ``vp2p.yaml``, and what is given in Python as the option;
- a model in Python: what is given there;
- the batch: what the plan says, so that a plan gives the same results everywhere;
- the bench: what the method and the case say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Literal, Mapping, Protocol, TypeVar, get_args, overload

from vp2p.schema import from_mapping, options, setting_name
from vp2p.settings import SECTIONS, EditSettings, InvertSettings, TuneSettings

Origin = Literal["default", "template", "model card", "user config", "vp2p.yaml", "environment", "option"]
"""Where a setting comes from, the weakest first. A template counts where a workspace is made, and not later."""

Layers = Mapping[Origin, Mapping[str, Any]]
"""Settings of one section by where they come from; within each by flat name."""

T = TypeVar("T")


class HasCard(Protocol):
    """A model that says which settings suit it: a :class:`~vp2p.models.card.Card` or ``ModelFolder``."""

    def suited(self, stage: str) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Resolved(Generic[T]):
    """The settings in force, and for each option, by flat name, where its value comes from."""

    settings: T
    origins: Mapping[str, Origin]


def resolve(cls: type[T], layers: Layers) -> Resolved[T]:
    """The settings of class ``cls`` that layers make together; the order of ``layers`` does not matter.

    Raises:
        UsageError: an unknown key, a wrong value, or values that do not go together.
    """
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {one.name: "default" for one in options(cls)}
    for origin in get_args(Origin):
        for key, value in layers.get(origin, {}).items():
            name = setting_name(key)
            values[name], origins[name] = value, origin
    return Resolved(from_mapping(cls, values), origins)


@overload
def for_model(
    model: HasCard, stage: Literal["tune"], given: Mapping[str, Any], layers: Layers = ...
) -> TuneSettings: ...
@overload
def for_model(
    model: HasCard, stage: Literal["invert"], given: Mapping[str, Any], layers: Layers = ...
) -> InvertSettings: ...
@overload
def for_model(
    model: HasCard, stage: Literal["edit"], given: Mapping[str, Any], layers: Layers = ...
) -> EditSettings: ...
@overload
def for_model(model: HasCard, stage: str, given: Mapping[str, Any], layers: Layers = ...) -> Any: ...
def for_model(model: HasCard, stage: str, given: Mapping[str, Any], layers: Layers | None = None) -> Any:
    """The settings of a stage with a model: its card, then ``layers``, then what is given.

    The user config and the environment count only where the caller passes them in ``layers``. So a
    Python program gives the same results for every user::

        for_model(folder, "invert", {"steps": 30})
        for_model(folder, "invert", {"steps": 30}, {"vp2p.yaml": workspace.config.stages.get("invert", {})})

    Args:
        model: the model's folder or card.
        given: values by flat name, of an option, a plan or a call in Python: the strongest layer.
        layers: further layers between the card and ``given``.

    Raises:
        UsageError: an unknown key, a wrong value, or values that do not go together.
    """
    return resolve(SECTIONS[stage], {**(layers or {}), "model card": model.suited(stage), "option": given}).settings
