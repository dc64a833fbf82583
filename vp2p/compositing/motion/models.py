"""The motion models by name. A new one is a file beside this one, and a line here."""

from __future__ import annotations

from typing import Mapping

from vp2p.compositing.motion.dense import DenseModel
from vp2p.compositing.motion.protocol import MotionModel
from vp2p.compositing.motion.similarity import SimilarityModel

MODELS: Mapping[str, MotionModel] = {"dense": DenseModel(), "similarity": SimilarityModel()}
