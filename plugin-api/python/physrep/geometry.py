"""What a method is built for: the geometry of its systems, and the sizes of the session."""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Channel:
    """One component of a physical field."""

    field: str
    """The field, such as `velocity`."""
    name: str
    """The channel's own name, such as `velocity_x`."""
    rank: int
    """Tensor rank of the field: 0 scalar, 1 vector, 2 tensor."""
    component: tuple[int, int]
    """Indices of the component; unused entries are 0."""


@dataclass(frozen=True)
class System:
    """The geometry of the clips `(B, C, T, H, W)` of one system."""

    channels: tuple[Channel, ...]
    """The `C` channels, in the order of the clips' axis."""
    coordinates: tuple[np.ndarray, np.ndarray]
    """Coordinates of the grid points along `H` and `W`, ascending, non-dimensional."""
    boundaries: tuple[str, str]
    """`periodic`, `wall` or `open`, along `H` and `W`."""
    time_step: float
    """Time between frames, non-dimensional."""

    @property
    def size(self) -> tuple[int, int]:
        """Grid points along `H` and `W`."""
        return len(self.coordinates[0]), len(self.coordinates[1])


@dataclass(frozen=True)
class Setup:
    """What a method is built for."""

    systems: tuple[System, ...]
    """The systems of the pretraining; a batch refers to one by its index."""
    context_frames: int
    """Frames of a clip to encode."""
    future_frames: int
    """Frames after them in a pretraining clip."""
    batch_size: int
    """Clips in a pretraining batch."""
    pretrain_steps: int
    """Pretraining batches; 0 if the session only encodes."""
    device: str
    """`cpu` or `cuda:N`."""
    threads: int
    """Threads to compute with; the variables that numerical libraries read have this number."""
    seed: int
    """The root of all randomness; `rng` draws from it."""
    scratch_dir: Path
    """A folder of the session's own, the only one that it may write to; removed at the end."""

    @property
    def system(self) -> System:
        """The only system, for methods that pretrain on one at a time."""
        if len(self.systems) != 1:
            raise ValueError(f"this method pretrains on one system at a time, and was given {len(self.systems)}")
        return self.systems[0]

    def rng(self, purpose: str) -> np.random.Generator:
        """A random stream that depends on the seed and the purpose alone, such as `initial weights`."""
        return stream(self.seed, purpose)


def stream(seed: int, purpose: str, *more: int) -> np.random.Generator:
    """A random stream that depends on its arguments alone."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, zlib.crc32(purpose.encode()), *more])))


def setup_of(message: dict[str, Any]) -> Setup:
    """The setup of a `create` request."""
    systems = tuple(
        System(
            channels=tuple(Channel(**{**c, "component": tuple(c["component"])}) for c in system["channels"]),
            coordinates=tuple(np.array(axis, np.float64) for axis in system["coordinates"]),
            boundaries=tuple(system["boundaries"]),
            time_step=system["time_step"],
        )
        for system in message["systems"]
    )
    return Setup(**{**message, "systems": systems, "scratch_dir": Path(message["scratch_dir"])})
