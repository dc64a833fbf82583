"""The attention controls by name. A new one is a file beside this one, and a line here."""

from __future__ import annotations

from typing import Mapping

from vp2p.method.attention.plain import Plain
from vp2p.method.attention.prompt_to_prompt import PromptToPrompt
from vp2p.method.attention.protocol import AttentionControlFactory

CONTROLS: Mapping[str, AttentionControlFactory] = {"prompt-to-prompt": PromptToPrompt, "plain": Plain}
