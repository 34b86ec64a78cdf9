#!/usr/bin/env python3
"""How far two methods differ, from the records, curves and embeddings of their runs.

    pip install numpy scipy scikit-learn
    python results/paper-jepa/difference.py RUN:jepa RUN:paper-jepa OUT

Writes three tables into the folder OUT; seeds that only one of the two has are left out.

- difference.csv: for each initialisation, system and probe the mean squared errors on test, and their difference with its 90 %
  intervals. Differences are paired by trajectory and seed, and the intervals are those of docs/protocol.md at another level: over test
  trajectories, of differences averaged over seeds, and over seeds. Two one-sided tests at 5 % find the methods equal to within 0.05 if
  an interval at 90 % lies within 0.05 of zero; the last column says whether each interval does.
- seeds.csv: the errors of each seed, and the root mean square difference of the embeddings of test, relative to their standard deviation.
- losses.csv: the losses of some steps of pretraining, and the largest relative difference of any step so far.
"""

import csv
import json
import pathlib
import sys

import numpy as np
from scipy import stats

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "docs"))
from recompute import bootstrap, read_embeddings, read_record, row_scores

PROBES, MARGIN = ("attentive", "mlp", "ridge", "knn"), 0.05


def cells_of(row):
    """Folders and records of a method in a run, by initialisation, system and seed."""
    run, method = row.rsplit(":", 1)
    cells = json.loads((pathlib.Path(run) / "run.json").read_text())["cells"]
    found = [(folder, record) for cell in cells if (record := read_record(folder := pathlib.Path(run) / cell["folder"]))]
    return {(r["initialisation"], r["system"], r["seed"]): (folder, r) for folder, r in found if r["method"] == method}


def over_trajectories(differences, windows):
    """The expanded percentile bootstrap, at 90 %."""
    n = len(windows)
    below = stats.norm.cdf(-stats.t.ppf(0.95, n - 1) * (n / (n - 1)) ** 0.5)
    return np.quantile(bootstrap(n) @ (windows * differences) / (bootstrap(n) @ windows), [below, 1 - below])


def over_seeds(differences):
    """Student's, at 90 %; none for one seed."""
    k = len(differences)
    half = stats.t.ppf(0.95, k - 1) * np.std(differences, ddof=1) / k**0.5 if k > 1 else np.nan
    return np.mean(differences) + half * np.array([-1, 1])


def errors(pair, probe):
    """The squared error of each test trajectory, mean over parameters, of both methods; and the weights of the trajectories."""
    scores = [row_scores([record], "frozen", probe)[0]["parameters"] for _, record in pair]
    windows = np.array(pair[0][1]["splits"]["test"]["windows"], float)
    return np.array([np.mean([p["squared_error"] for p in score], axis=0) for score in scores]), windows


def losses(folder):
    return np.array([json.loads(line)["loss"] for line in (folder / "curves.jsonl").read_text().splitlines()])


def write(path, head, lines):
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *lines])


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    ours, theirs, out = cells_of(sys.argv[1]), cells_of(sys.argv[2]), pathlib.Path(sys.argv[3])
    both = sorted(ours.keys() & theirs.keys())
    pairs, of_groups, of_seeds, of_losses = {key: (ours[key], theirs[key]) for key in both}, [], [], []
    for group in dict.fromkeys(key[:2] for key in both):
        for probe in PROBES:
            squared, windows = zip(*(errors(pair, probe) for key, pair in pairs.items() if key[:2] == group))
            squared, windows = np.array(squared), windows[0]  # (seeds, methods, trajectories)
            differences = squared[:, 0] - squared[:, 1]
            by_seed = differences @ windows / windows.sum()
            intervals = [over_trajectories(differences.mean(axis=0), windows), over_seeds(by_seed)]
            means = squared.mean(axis=0) @ windows / windows.sum()
            within = ["" if np.isnan(ends).any() else "yes" if np.abs(ends).max() <= MARGIN else "no" for ends in intervals]
            numbers = [f"{number:.6f}" for number in means] + [f"{number:.3e}" for number in (by_seed.mean(), *np.ravel(intervals))]
            of_groups.append([*group, probe, len(by_seed), *numbers, *within])
    for key, pair in pairs.items():
        a, b = (read_embeddings(folder / "embeddings.safetensors")["test.tokens"] for folder, _ in pair)
        told = [f"{np.sqrt(np.mean((a - b) ** 2)) / a.std():.1e}"]
        for probe in PROBES:
            squared, windows = errors(pair, probe)
            told += [f"{mean:.6f}" for mean in squared @ windows / windows.sum()]
        of_seeds.append([*key, *told])
        if key[0] == "pretrained":
            a, b = (losses(folder) for folder, _ in pair)
            relative = np.maximum.accumulate(np.abs(a - b) / a)
            steps = sorted({0, 1, 2, 4, 8, *range(16, len(a), 16), len(a) - 1})
            of_losses += [[*key[1:], step, f"{a[step]:.6f}", f"{b[step]:.6f}", f"{relative[step]:.1e}"] for step in steps]
    out.mkdir(parents=True, exist_ok=True)
    ends = [f"{end} over {units}" for units in ("trajectories", "seeds") for end in ("low", "high")]
    within = [f"within {MARGIN} over trajectories", f"within {MARGIN} over seeds"]
    head = ["initialisation", "system", "probe", "seeds", "ours", "theirs", "difference", *ends, *within]
    write(out / "difference.csv", head, of_groups)
    columns = [f"{probe}, {whose}" for probe in PROBES for whose in ("ours", "theirs")]
    write(out / "seeds.csv", ["initialisation", "system", "seed", "embeddings differ by", *columns], of_seeds)
    write(out / "losses.csv", ["system", "seed", "step", "ours", "theirs", "differs so far by"], of_losses)


if __name__ == "__main__":
    main()
