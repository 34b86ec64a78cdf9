"""The base class of methods."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from .batch import Batch, Step
from .errors import CheckpointError, ConfigError, Unsupported
from .geometry import Setup


class Method:
    """An encoder and how it learns.

    A method keeps all that it learns in arrays with names. Names that begin with `encoder.` are the encoder's weights, those that
    begin with `training.` serve training alone, such as the moments of an optimizer; all others are parameters of the objective.
    """

    borrows_clips = False
    """Whether clips are handed over without a copy, in memory that the next batch overwrites. True saves a few milliseconds a step, for
    a method that keeps no view of them when a call has ended, and starts no computation that still reads them."""

    def __init__(self, config: SimpleNamespace, setup: Setup) -> None:
        """Builds the networks. `config` has every key of the table `config` of method.toml: `config.dim`, `config.training.lr`."""
        raise NotImplementedError

    def pretrain_step(self, batch: Batch, step: Step) -> float | tuple[float, float]:
        """Learns from clips `(B, C, T, H, W)`, `T = context_frames + future_frames`. Gives the loss, or the loss and the learning rate."""
        raise NotImplementedError

    def encode(self, batch: Batch) -> np.ndarray:
        """Embeds clips `(B, C, T, H, W)`, `T = context_frames`, as `(B, tokens, dim)`; each by itself, and without any change."""
        raise NotImplementedError

    def state(self) -> dict[str, np.ndarray]:
        """All arrays that a run needs to go on as if it had not stopped."""
        raise NotImplementedError

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Takes the arrays that `state` gave."""
        raise NotImplementedError

    def parameters(self) -> dict[str, np.ndarray]:
        """The trained arrays by name."""
        return {name: array for name, array in self.state().items() if not name.startswith("training.")}

    def load_encoder(self, weights: dict[str, np.ndarray]) -> None:
        """Takes the encoder's weights from a file of a whole method, or of the encoder alone, whose names lack `encoder.`."""
        state = self.state()
        if not any(name.startswith("encoder.") for name in weights):
            weights = {f"encoder.{name}": array for name, array in weights.items()}
        for name in (name for name in state if name.startswith("encoder.")):
            shape = np.shape(state[name])
            if name not in weights or weights[name].shape != shape:
                found = weights[name].shape if name in weights else "nothing"
                raise CheckpointError(f"the file has {found} as `{name}`; expected an array of shape {shape}")
            state[name] = weights[name]
        self.load_state(state)

    # End-to-end training, for methods whose method.toml says `finetune = true`.

    def begin_finetuning(self, beta1: float, beta2: float, eps: float, weight_decay: float) -> None:
        """Begins to train the encoder with labels, with a new AdamW of these settings. Labels and the loss stay in the host."""
        raise Unsupported("this method has no end-to-end training; leave `finetune` out of its method.toml")

    def encode_forward(self, batch: Batch) -> np.ndarray:
        """As `encode`, and keeps what `encode_backward` needs."""
        raise NotImplementedError

    def encode_backward(self, gradient: np.ndarray) -> None:
        """Computes the gradients of the encoder from that of the loss with respect to the last tokens, `(B, tokens, dim)`."""
        raise NotImplementedError

    def apply_gradients(self, learning_rate: float) -> None:
        """Updates the encoder with them."""
        raise NotImplementedError


class _MissingKey(ConfigError, AttributeError):
    """An attribute that is not there, to Python, and a configuration that does not fit, to the host."""


class _Keys(SimpleNamespace):
    def __getattr__(self, name: str) -> Any:
        keys = ", ".join(vars(self))
        raise _MissingKey(f"the method reads the key `{name}`, which is not in [config] of its method.toml; there is: {keys}")


def namespace(value: Any) -> Any:
    """Tables as objects, whose keys are attributes."""
    return _Keys(**{key: namespace(v) for key, v in value.items()}) if isinstance(value, dict) else value
