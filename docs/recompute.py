#!/usr/bin/env python3
"""Recomputes the tables of a run from its records and its embeddings, as docs/protocol.md describes them.

    pip install numpy scikit-learn
    python docs/recompute.py runs/tiny

From the records: the metrics of every score, from the errors of its trajectories; which trajectories are labelled;
which epochs were selected; and from these scores.csv and, in table.md, the errors on test with their intervals and
ranks. From the embeddings, where the run still has them: the probes ridge and knn, with what they select on valid.
Probes with random weights are not fitted again. Ends with 1 if a number differs by more than its tolerance.
"""

import argparse
import collections
import csv
import functools
import gzip
import json
import pathlib
import re
import struct
import sys

import numpy as np
from scipy import stats
from sklearn.linear_model import Ridge
from sklearn.metrics import pairwise_distances

# Tolerances, absolute and relative.
PRINTED = 5.01e-4  # three decimals
RECORDED = 1e-5  # single precision
SELECTED = 1e-6  # a setting that is as good as the best but for round-off

TRACKS = {"frozen": "frozen encoders", "end-to-end": "encoders trained end to end with labels"}
REGIMES = ("interpolation", "near_extrapolation", "far_extrapolation")
DRAWS = 10_000


class Comparison:
    """What was compared, how far it differed at most, and what differed too much."""

    def __init__(self):
        self.count, self.largest, self.differences = collections.Counter(), collections.Counter(), []

    def __call__(self, what, where, found, recomputed, tolerance=0.0):
        """Compares numbers or lists of numbers, of which None is undefined."""
        one, other = (np.array(values, float) for values in (found, recomputed))
        same = one.shape == other.shape and np.allclose(one, other, tolerance, tolerance, equal_nan=True)
        self.count[what] += 1
        if not same:
            self.differences.append(f"{where}: {what}: found {found}, recomputed {recomputed}")
        elif one.size:
            self.largest[what] = max(self.largest[what], np.abs(np.nan_to_num(one - other)).max())


def stream(seed, purpose, indices, count):
    """The first `count` 32-bit words of the streams of a seed, a purpose and each index: ChaCha with 8 rounds."""
    fnv1a = lambda digest, byte: (digest ^ byte) * 0x100000001B3 % 2**64
    purpose = functools.reduce(fnv1a, purpose.encode(), 0xCBF29CE484222325)
    keys = b"".join(struct.pack("<QQQ8s", seed, purpose, index, b"physrep1") for index in indices)
    state = np.zeros((16, len(indices), -(-count // 16)), "<u4")
    state[:4] = np.frombuffer(b"expand 32-byte k", "<u4")[:, None, None]
    state[4:12] = np.frombuffer(keys, "<u4").reshape(-1, 8).T[:, :, None]
    state[12] = np.arange(state.shape[2])
    x = state.copy()
    columns = [(i, 4 + i, 8 + i, 12 + i) for i in range(4)]
    diagonals = [(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4) for i in range(4)]
    for a, b, c, d in 4 * (columns + diagonals):
        for to, by, turned, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[to] += x[by]
            x[turned] ^= x[to]
            x[turned] = x[turned] << bits | x[turned] >> (32 - bits)
    return np.ascontiguousarray((x + state).transpose(1, 2, 0).reshape(len(indices), -1)[:, :count])


def permutation(seed, purpose, index, n):
    """A stream's permutation of 0..n: Durstenfeld's shuffle, with one draw for as many steps as 32 bits suffice for."""
    words = iter(stream(seed, purpose, [index], 2 * n + 2)[0].tolist())
    order, choice, steps = list(range(n)), 0, 0
    for i in range(1, n):
        if steps == 0:
            bound, steps = i + 1, 1
            while bound * (i + 1 + steps) < 2**32:
                bound, steps = bound * (i + 1 + steps), steps + 1
            choice, rest = divmod(next(words) * bound, 2**32)
            if rest > 2**32 - bound:
                choice += rest + (next(words) * bound >> 32) >= 2**32
        steps -= 1
        choice, j = divmod(choice, i + 1) if steps else (0, choice)
        order[i], order[j] = order[j], order[i]
    return order


@functools.cache
def bootstrap(n):
    """How often each of `n` trajectories is in each draw."""
    uniform = (stream(0, "bootstrap", range(DRAWS), 2 * n).view("<u8") >> 11) * 2.0**-53
    counts = np.zeros((DRAWS, n))
    np.add.at(counts, (np.arange(DRAWS)[:, None], np.minimum(uniform * n, n - 1).astype(int)), 1)
    return counts


def half_width(errors, windows):
    """Half the 95 % interval of the mean of errors `(seeds, trajectories)`, in a list; none if it has none."""
    means, n = errors @ windows / windows.sum(), len(windows)
    if len(means) > 1:
        half = stats.t.ppf(0.975, len(means) - 1) * means.std(ddof=1) / len(means) ** 0.5
        return [half] if (means != means[0]).any() else []
    if n < 2:
        return []
    below = stats.norm.cdf(-stats.t.ppf(0.975, n - 1) * (n / (n - 1)) ** 0.5)
    draws = bootstrap(n)
    low, high = np.quantile(draws @ (windows * errors[0]) / (draws @ windows), [below, 1 - below])
    return [(high - low) / 2]


def mean(values):
    """The mean; undefined if one of the values is."""
    return None if None in values else float(np.mean(values))


def r2(mse, labels, windows):
    """The coefficient of determination; undefined if the labels do not vary."""
    variance = windows @ (labels - windows @ labels / windows.sum()) ** 2 / windows.sum()
    return 1 - mse / variance if (labels != labels[0]).any() else None


def of_regime(split, score):
    """Which trajectories of a split a score is of: of held_out, those of one regime."""
    return [score.get("regime") in (None, regime) for regime in split.get("regimes", split["index"])]


def place(where, score):
    """Which score of a cell it is."""
    keys = ("track", "probe", "label_fraction", "split", "regime")
    return f"{where}, " + " ".join(str(score[key]) for key in keys if key in score)


def labelled(record, split, fraction=1):
    """The trajectories whose labels the probes see."""
    return next(subset[split] for subset in record["label_subsets"] if subset["label_fraction"] == fraction)


def check_record(record, where, compare):
    """What follows from a record alone."""
    for score in record["scores"]:
        split, at = record["splits"][score["split"]], place(where, score)
        kept = of_regime(split, score)
        windows, labels = np.array(split["windows"], float)[kept], np.array(split["labels"])[:, kept]
        for parameter, truth in zip(score["parameters"], labels):
            mse = windows @ parameter["squared_error"] / windows.sum()
            compare("mse", at, parameter["mse"], mse, RECORDED)
            compare("R2", at, parameter["r2"], r2(mse, truth, windows), RECORDED)
            if "fits" not in score:  # of several fits, the record has the mean of the predictions alone
                mse = np.mean((truth - parameter["predicted"]) ** 2)
                compare("mse by trajectory", at, parameter["trajectory_mse"], mse, RECORDED)
                expected = r2(mse, truth, np.ones(len(truth)))
                compare("R2 by trajectory", at, parameter["trajectory_r2"], expected, RECORDED)
        for metric, value in score["mean"].items():
            expected = mean([parameter[metric] for parameter in score["parameters"]])
            compare("mean over parameters", at, value, expected, RECORDED)
        if "fits" in score:
            compare("mean over fits", at, score["mean"]["mse"], mean(score["fits"]), RECORDED)
    for split in ("train", "valid"):
        whole = labelled(record, split)
        order = permutation(record["recipe"]["suite"]["seed"], f"labels of {split}", 0, len(whole))
        for subset in record["label_subsets"]:
            count = int(np.ceil(subset["label_fraction"] * len(whole) * (1 - 1e-12)))
            compare("labelled trajectories", where, subset[split], sorted(whole[i] for i in order[:count]))
    for selection in record["selections"]:
        if valid := selection["record"].get("valid"):
            compare("epoch", place(where, selection), selection["record"]["epoch"], 1 + int(np.argmin(valid)))


def read_embeddings(path):
    """The tensors of a safetensors file."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    tensors = {}
    for name, entry in json.loads(data[8:start]).items():
        first, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[start + first : start + end], "<f4").reshape(entry["shape"]).astype(float)
    return tensors


def standardised(train, others):
    """Columns with mean 0 and standard deviation 1 over train; 0 where they vary by no more than round-off."""
    std = train.std(axis=0)
    varies = std > 2.0**-23 * np.abs(train).max(axis=0)
    return [(values - train.mean(axis=0)) * varies / np.where(varies, std, 1) for values in (train, *others)]


def ridge(probes, z, y, others):
    """For each penalty, the predictions on each of the other splits."""
    fits = [Ridge(alpha=len(z) * penalty, solver="svd").fit(z, y) for penalty in probes["ridge"]["penalties"]]
    return [[fit.predict(other) for other in others] for fit in fits]


def knn(probes, z, y, others):
    """For each distance and number of neighbours, the predictions on each of the other splits."""
    counts, predictions = sorted({min(k, len(z)) for k in probes["knn"]["neighbours"]}), []
    for metric in ("euclidean", "cosine"):
        orders = [np.argsort(pairwise_distances(other, z, metric), axis=1, kind="stable") for other in others]
        predictions += [[y[order[:, :k]].mean(axis=1) for order in orders] for k in counts]
    return predictions


def check_embeddings(record, tensors, where, compare):
    """The probes without random weights: what they select on valid, and what they predict with it."""
    splits, probes = record["splits"], {"ridge": ridge, "knn": knn}
    pooled, labels = ({name: tensors[f"{name}.{of}"] for name in ("train", *splits)} for of in ("tokens", "labels"))
    pooled = {name: tokens.mean(axis=1) for name, tokens in pooled.items()}
    windows = lambda name, all, some: np.repeat(np.isin(all, some), len(labels[name]) // len(all))
    means = lambda name, values: values.reshape(len(splits[name]["index"]), -1, values.shape[1]).mean(axis=1).T
    for name, split in splits.items():
        compare("labels", where, split["labels"], means(name, labels[name]), RECORDED)
    for selection in (selection for selection in record["selections"] if selection["probe"] in probes):
        probe, fraction, chosen = selection["probe"], selection["label_fraction"], selection["record"]
        subset = {name: (labelled(record, name), labelled(record, name, fraction)) for name in ("train", "valid")}
        seen = {name: windows(name, *indices) for name, indices in subset.items()}
        z, *others = standardised(pooled["train"][seen["train"]], [pooled[name] for name in splits])
        predictions = probes[probe](record["recipe"]["suite"]["probe"], z, labels["train"][seen["train"]], others)
        predictions = [dict(zip(splits, predicted)) for predicted in predictions]
        errors = [np.mean((predicted["valid"] - labels["valid"])[seen["valid"]] ** 2) for predicted in predictions]
        at, path = place(where, selection), chosen["path"]
        compare("errors on valid", at, [candidate[-1] for candidate in path], errors, RECORDED)
        setting = [chosen["penalty"]] if probe == "ridge" else [chosen["metric"], chosen["neighbours"]]
        best = next((i for i, candidate in enumerate(path) if candidate[:-1] == setting), None)
        compare("selection", at, None if best is None else errors[best], min(errors), SELECTED)
        predictions = predictions[best or 0]
        for score in record["scores"]:
            if (score["track"], score["probe"], score["label_fraction"]) == ("frozen", probe, fraction):
                name, kept = score["split"], of_regime(splits[score["split"]], score)
                for what in ("predicted", "squared_error"):
                    values = predictions[name] if what == "predicted" else (predictions[name] - labels[name]) ** 2
                    found = [parameter[what] for parameter in score["parameters"]]
                    compare(f"{what} by {probe}", place(where, score), found, means(name, values)[:, kept], RECORDED)


def check_csv(path, records, compare):
    """The lines of scores.csv, which have the numbers of the records to the last digit."""
    names = ("system", "method", "initialisation", "seed")
    names += ("track", "probe", "label_fraction", "split", "regime", "parameter")
    metrics = ("mse", "r2", "trajectory_mse", "trajectory_r2")
    expected = {}
    for record in records:
        for score in record["scores"]:
            for parameter in [*score["parameters"], {"name": "mean", **score["mean"]}]:
                facts = {"regime": "", **record, **score, "parameter": parameter["name"]}
                expected[tuple(str(facts[name]) for name in names)] = [parameter[metric] for metric in metrics]
    with path.open(newline="") as file:
        lines = [{**line, "label_fraction": float(line["label_fraction"])} for line in csv.DictReader(file)]
    found = {}
    for line in lines:
        found[tuple(str(line[name]) for name in names)] = [float(line[metric] or "nan") for metric in metrics]
    compare("scores.csv: lines", path, len(lines), len(expected))
    for key, numbers in expected.items():
        compare("scores.csv", ", ".join(key), found.get(key, []), numbers)


def row_scores(row, track, probe, fraction=1, regime=None):
    """The scores of the records of a row: on test, or in a regime of held_out."""
    key = {"track": track, "probe": probe, "label_fraction": fraction, "split": "held_out" if regime else "test"}
    key |= {"regime": regime} if regime else {}
    return [score for record in row for score in record["scores"] if key.items() <= score.items()]


def row_error(row, *key):
    """The mean over seeds of a row's errors; where there are such, half its interval, and the spread over fits."""
    scores = row_scores(row, *key)
    split = row[0]["splits"][scores[0]["split"]]
    windows = np.array(split["windows"], float)[of_regime(split, scores[0])]
    errors = [np.mean([parameter["squared_error"] for parameter in score["parameters"]], axis=0) for score in scores]
    variances = [np.var(score["fits"], ddof=1) for score in scores if "fits" in score]
    spread = [np.mean(variances) ** 0.5] if variances else []
    return [mean([score["mean"]["mse"] for score in scores]), *half_width(np.array(errors), windows), *spread]


def one_row_per_encoder(rows):
    """Rows by name, with those of one encoder as a single one."""
    encoder = lambda row: [(record["seed"], (record["encoder"] or {}).get("checksum"), record["scores"]) for record in row]
    joined = []
    for name, row in rows.items():
        same = next((other for other in joined if row[0]["encoder"] and encoder(other[1]) == encoder(row)), None)
        joined.append(([name], row)) if same is None else same[0].append(name)
    suffix = lambda name: name[name.index(" (") :] if " (" in name else ""
    title = lambda names: ", ".join(name.removesuffix(suffix(name)) for name in names) + suffix(names[0])
    return {title(names): row for names, row in joined}


def ranks(rows, track, probe):
    """The rank of each row with an encoder."""
    rows = {name: row for name, row in rows.items() if row[0]["encoder"] and row_scores(row, track, probe)}
    errors = {name: row_error(row, track, probe)[0] for name, row in rows.items()}
    below = lambda error: sum(other < error for other in errors.values())
    equal = lambda error: sum(other == error for other in errors.values())
    return {name: below(error) + (equal(error) + 1) / 2 for name, error in errors.items()}


def expected_tables(systems):
    """The numbers of the tables of test errors: by title, row and probe, those of each column."""
    tables = collections.defaultdict(dict)
    for (system, rows), (track, words) in ((system, track) for system in systems.items() for track in TRACKS.items()):
        title, rows = f"{system}, {words}", one_row_per_encoder(rows)
        all_scores = [score for row in rows.values() for score in row[0]["scores"] if score["track"] == track]
        probes = list(dict.fromkeys(score["probe"] for score in all_scores))
        for probe in probes:
            rank = ranks(rows, track, probe)
            for name, row in ((name, row) for name, row in rows.items() if row_scores(row, track, probe)):
                error, scores = row_error(row, track, probe), row_scores(row, track, probe)
                # The mean label is no probe's prediction and stands below each of them.
                for column in [probe] if probe != "mean" else [other for other in probes if other != "mean"]:
                    tables[title, name, None][column] = error
                columns = {"R2": [score["mean"]["r2"] for score in scores], "rank": [rank.get(name)]}
                columns["by trajectory"] = [score["mean"]["trajectory_mse"] for score in scores]
                for place, parameter in enumerate(scores[0]["parameters"]):
                    columns[parameter["name"]] = [score["parameters"][place]["mse"] for score in scores]
                columns = {column: [] if None in values else [mean(values)] for column, values in columns.items()}
                tables[f"{title}, by parameter", name, probe] = {"mean": error, **columns}
                regimes = {regime: regime.replace("_", " ") for regime in REGIMES if row_scores(row, track, probe, 1, regime)}
                if regimes:
                    line = {words: row_error(row, track, probe, 1, regime) for regime, words in regimes.items()}
                    tables[f"{title}, held-out regimes", name, probe] = {"test": error, **line}
                fractions = [subset["label_fraction"] for subset in row[0]["label_subsets"]]
                if track == "frozen" and len(fractions) > 1:
                    line = {f"{100 * fraction:g} %": row_error(row, track, probe, fraction) for fraction in fractions}
                    tables[f"{title}, by label fraction", name, probe] = line
    return tables


def check_tables(text, tables, compare):
    """The numbers of Markdown tables; what is bold or underlined is not compared."""
    for table in ("\n" + text).split("\n## ")[1:]:
        title = table.split("\n")[0].rsplit(" (suite ", 1)[0]
        head, _, *lines = [line.strip("| ").split(" | ") for line in table.split("\n") if line.startswith("| ")]
        for line in (dict(zip(head, line)) for line in lines):
            name = re.sub(r" \[[\d, ]+\]$", "", line[head[0]].replace("\\", ""))
            expected = tables.pop((title, name, line.get("probe")), {})
            for column, numbers in expected.items():
                printed = [float(number) for number in re.findall(r"-?\d+\.?\d*", line.get(column, ""))]
                compare("table.md", f"{title}: {name}, {column}", printed, numbers, PRINTED)
    compare("table.md: missing lines", sorted(tables, key=str), len(tables), 0)


def read_record(cell):
    """The record in a cell's folder, plain or compressed; None if there is none."""
    for name, opened in (("result.json", open), ("result.json.gz", gzip.open)):
        if (cell / name).is_file():
            with opened(cell / name, "rt") as file:
                return json.load(file)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path, help="the folder of a run, with run.json")
    run = parser.parse_args().run
    if not (run / "run.json").is_file():
        sys.exit(f"{run}: expected the folder of a run, with run.json and the records of its cells")
    cells = [run / cell["folder"] for cell in json.loads((run / "run.json").read_text())["cells"]]
    compare, records, skipped = Comparison(), [], []
    systems = collections.defaultdict(lambda: collections.defaultdict(list))
    for cell, record in ((cell, record) for cell in cells if (record := read_record(cell))):
        records.append(record)
        suffix = {"random": " (random init)", "joint": " (joint)", "elsewhere": " (elsewhere)"}.get(record["initialisation"], "")
        systems[record["system"]][record["method"] + suffix].append(record)
        check_record(record, cell, compare)
        if (cell / "embeddings.safetensors").is_file():
            check_embeddings(record, read_embeddings(cell / "embeddings.safetensors"), cell, compare)
        elif record["method"] != "mean":
            skipped.append(cell)
    if not records:
        sys.exit(f"{run}: expected a cell with a result.json, but none of {len(cells)} has one")
    if (run / "scores.csv").is_file():
        check_csv(run / "scores.csv", records, compare)
    if (run / "table.md").is_file():
        check_tables((run / "table.md").read_text(), expected_tables(systems), compare)
    for what, count in compare.count.items():
        print(f"{count:6} {what:24} largest difference {compare.largest[what]:.1e}")
    print(f"{len(records)} of {len(cells)} cells have a record")
    if skipped:
        print(f"SKIPPED: ridge and knn of {len(skipped)} cells without embeddings")
    for difference in compare.differences[:100]:
        print(f"DIFFERS {difference[:300]}")
    if compare.differences:
        sys.exit(f"{len(compare.differences)} of {compare.count.total()} comparisons differ")


if __name__ == "__main__":
    main()
