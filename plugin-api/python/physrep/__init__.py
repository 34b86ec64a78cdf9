"""Methods for physrep-bench in Python: subclass `Method`, then call `run`."""

from .batch import Batch, Step
from .errors import CheckpointError, ConfigError, Diverged, Unsupported
from .geometry import Channel, Setup, System
from .method import Method
from .serve import run

__all__ = [
    "Batch",
    "Channel",
    "CheckpointError",
    "ConfigError",
    "Diverged",
    "Method",
    "Setup",
    "Step",
    "System",
    "Unsupported",
    "run",
]
