"""The lines of the protocol: one JSON object each, on two pipes of their own. What a method prints goes to the log."""

import json
import os
from collections.abc import Iterator
from typing import Any


class Lines:
    """Reads requests and writes answers, by the descriptors that the program has inherited."""

    def __init__(self) -> None:
        requests, answers = (int(os.environ.pop(name)) for name in ("PHYSREP_REQUESTS", "PHYSREP_ANSWERS"))
        for descriptor in (requests, answers):
            os.set_inheritable(descriptor, False)
        self._requests = os.fdopen(requests, "rb")
        self._answers = os.fdopen(answers, "wb")

    def requests(self) -> Iterator[dict[str, Any]]:
        """The requests, until the host ends them."""
        return (json.loads(line) for line in self._requests)

    def send(self, message: dict[str, Any]) -> None:
        """Writes a message; it has no NaN, for which JSON has no word."""
        self._answers.write(json.dumps(message, allow_nan=False).encode() + b"\n")
        self._answers.flush()
