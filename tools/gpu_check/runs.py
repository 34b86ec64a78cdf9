"""The files of a run of a suite, cell by cell, and the differences between two runs."""

import json
import math


class Run:
    """The cells of a run, by method and initialisation."""

    def __init__(self, folder):
        self.folder = folder
        cells = json.loads((folder / "run.json").read_text())["cells"]
        self.cells = {(cell["method"], cell["initialisation"]): folder / cell["folder"] for cell in cells}

    def result(self, key):
        """A cell's record; None if it failed."""
        path = self.cells[key] / "result.json" if key in self.cells else None
        return json.loads(path.read_text()) if path and path.is_file() else None

    def failures(self):
        """Why cells have no result, by title."""
        reasons = {}
        for key, cell in self.cells.items():
            if not (cell / "result.json").is_file():
                failure = cell / "failure.json"
                reasons[" ".join(key)] = json.loads(failure.read_text())["reason"] if failure.is_file() else "not run"
        return reasons

    def bytes_of(self, key, name):
        path = self.cells[key] / name if key in self.cells else None
        return path.read_bytes() if path and path.is_file() else None

    def curve(self, method, name="loss"):
        """A curve of a method's pretraining, one value per step."""
        lines = (self.bytes_of((method, "pretrained"), "curves.jsonl") or b"").decode().splitlines()
        return [json.loads(line).get(name, math.nan) for line in lines]

    def pretrained(self):
        """The methods that were pretrained."""
        return [method for method, initialisation in self.cells if initialisation == "pretrained"]


def different(one, other):
    """The differences in states and scores, cell by cell, between two runs that should be the same."""
    told = []
    for key in one.cells:
        states = [run.bytes_of(key, "state.safetensors") for run in (one, other)]
        scores = [(run.result(key) or {}).get("scores") for run in (one, other)]
        if states[0] != states[1] or (key[1] == "pretrained" and states[0] is None):
            told.append(f"state of {' '.join(key)}")
        if scores[0] != scores[1] or scores[0] is None:
            told.append(f"scores of {' '.join(key)}")
    return told


def relative(values, expected):
    """The greatest relative difference between two curves; NaN if they are empty or of different lengths."""
    if not values or len(values) != len(expected):
        return math.nan
    return max(abs(a - b) / max(abs(b), 1e-12) for a, b in zip(values, expected))


def test_errors(result):
    """The mean squared errors on the test split, by track, probe and label fraction."""
    scores = [score for score in result["scores"] if score["split"] == "test"]
    return {(score["track"], score["probe"], score["label_fraction"]): score["mean"]["mse"] for score in scores}


def largest_differences(run, reference):
    """For each track and probe, the test error that differs most from the reference's: the difference, and its description."""
    worst = {}
    for key in reference.cells:
        result, expected = run.result(key), reference.result(key)
        if not result or not expected:
            return {("any", "any"): (math.nan, f"{' '.join(key)} has no result")}
        got = test_errors(result)
        for which, error in test_errors(expected).items():
            difference = abs(got.get(which, math.nan) - error)
            if not difference <= worst.get(which[:2], (0.0, ""))[0]:
                told = f"{' '.join(key)}, {' '.join(map(str, which))}: {got.get(which)} beside {error}"
                worst[which[:2]] = (difference, told)
    return worst
