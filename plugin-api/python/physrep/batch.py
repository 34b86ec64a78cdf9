"""What a method is called with."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .geometry import stream


@dataclass(frozen=True)
class Batch:
    """Clips of one system."""

    clips: np.ndarray
    """`(B, C, T, H, W)`, float32, normalised per channel; the method's own, to keep or to change."""
    system: int
    """The index of their system in `setup.systems`."""


@dataclass(frozen=True)
class Step:
    """One step of pretraining."""

    index: int
    """Its number, from 0. A resumed run goes on with the next one."""
    total: int
    """The number of steps."""
    seed: int
    """The session's seed."""
    metric: Callable[[str, float], None]
    """`metric(name, value)` records a value of a training curve."""

    def rng(self, purpose: str) -> np.random.Generator:
        """A random stream that depends on the seed, the purpose and the step alone, so that a resumed run draws the same."""
        return stream(self.seed, purpose, self.index)
