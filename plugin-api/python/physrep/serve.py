"""Answers the requests of the host."""

import math
import os
import platform
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from .arrays import Arrays
from .batch import Batch, Step
from .errors import Diverged, WrongAnswer
from .geometry import Setup, setup_of
from .lines import Lines
from .method import Method, namespace

PROTOCOL = 1


def run(method_class: type[Method]) -> None:
    """Runs a method in this process, which physrep-bench has started, until its session ends."""
    if "PHYSREP_REQUESTS" not in os.environ:
        sys.exit("this program is a method for physrep-bench: `physrep-bench all --plugins FOLDER` starts it")
    lines = Lines()
    session = _Session(method_class, lines)
    for request in lines.requests():
        call = request["call"]
        if call == "destroy":
            break
        try:
            answer = {"ok": getattr(session, call)(request)}
        except Exception as error:  # whatever a method raises costs its row, and the row says what it was
            traceback.print_exc()
            answer = {"error": {"kind": getattr(error, "kind", "method"), "message": _sentence(call, error)}}
        lines.send({"id": request["id"], **answer})


def _sentence(call: str, error: Exception) -> str:
    """What the row says: an error of this package as it is, any other as the last line of its traceback, and where in the method's own
    code it was raised: a line of a numerical library says nothing to its author."""
    if hasattr(error, "kind"):
        return str(error)
    last = traceback.format_exception_only(error)[-1].strip()
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_own(frame.filename)]
    frame = (own or frames)[-1]
    return f"{call} raised {last} (line {frame.lineno} of {frame.filename})"


def _is_own(file: str) -> bool:
    """Whether a file is in the method's folder, which is the working directory, and of no environment in there."""
    path = Path(file)
    return path.is_relative_to(Path.cwd()) and "site-packages" not in path.parts


class _Session:
    """A method and the calls of the protocol, each by its name."""

    def __init__(self, method_class: type[Method], lines: Lines) -> None:
        self._class = method_class
        self._lines = lines
        self._arrays: Arrays
        self._method: Method
        self._setup: Setup

    def hello(self, request: dict[str, Any]) -> dict[str, Any]:
        self._arrays = Arrays(request["arrays_of_host"], request["arrays_of_method"])
        software = {"python": platform.python_version(), "numpy": np.__version__}
        for name in ("jax", "torch", "tensorflow"):
            if name in sys.modules:
                software[name] = str(getattr(sys.modules[name], "__version__", "unknown"))
        return {"protocol": PROTOCOL, "software": software}

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        self._setup = setup_of(request["setup"])
        self._method = self._class(namespace(request["config"]), self._setup)
        return {}

    def pretrain_step(self, request: dict[str, Any]) -> dict[str, Any]:
        index = request["step"]

        def metric(name: str, value: float) -> None:
            value = float(value) if math.isfinite(value) else None
            self._lines.send({"metric": {"name": name, "step": index, "value": value}})

        step = Step(index, self._setup.pretrain_steps, self._setup.seed, metric)
        trained = self._method.pretrain_step(self._batch(request), step)
        loss, rate = trained if isinstance(trained, tuple) else (trained, None)
        if loss is None:
            raise WrongAnswer("pretrain_step returned None; expected the loss, a number")
        loss = float(loss)
        if not math.isfinite(loss):
            raise Diverged(f"the loss is {loss} at step {index}")
        return {"loss": loss} if rate is None else {"loss": loss, "learning_rate": float(rate)}

    def encode(self, request: dict[str, Any]) -> dict[str, Any]:
        tokens = self._method.encode(self._batch(request))
        if tokens is None:
            raise WrongAnswer("encode returned None; expected tokens (B, tokens, dim)")
        return self._tokens(tokens)

    def save(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"arrays": self._arrays.write_all(self._method.state())}

    def load(self, request: dict[str, Any]) -> dict[str, Any]:
        arrays = self._arrays.read_all(request["arrays"])
        (self._method.load_state if request["scope"] == "full" else self._method.load_encoder)(arrays)
        return {}

    def parameters(self, request: dict[str, Any]) -> dict[str, Any]:
        parameters = self._method.parameters()
        encoder = [name for name in parameters if name.startswith("encoder.")]
        return {"arrays": self._arrays.write_all(parameters), "encoder": encoder}

    def begin_finetuning(self, request: dict[str, Any]) -> dict[str, Any]:
        self._method.begin_finetuning(*(request[name] for name in ("beta1", "beta2", "eps", "weight_decay")))
        return {}

    def encode_forward(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._tokens(self._method.encode_forward(self._batch(request)))

    def encode_backward(self, request: dict[str, Any]) -> dict[str, Any]:
        self._method.encode_backward(self._arrays.read(request["gradient"]))
        return {}

    def apply_gradients(self, request: dict[str, Any]) -> dict[str, Any]:
        self._method.apply_gradients(request["learning_rate"])
        return {}

    def _batch(self, request: dict[str, Any]) -> Batch:
        read = self._arrays.borrow if self._method.borrows_clips else self._arrays.read
        return Batch(read(request["clips"]), request["system"])

    def _tokens(self, tokens: Any) -> dict[str, Any]:
        return {"tokens": self._arrays.write(np.asarray(tokens, np.float32))}
