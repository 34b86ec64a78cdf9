"""The part that fits the probes of one cell on the GPU and on the CPU, from the same embeddings, and measures what a cell spends on
anything but pretraining and encoding."""

import json

from . import suite
from .runs import Run, largest_differences

# Of a mean squared error on test. Another order of sums on the CPU changes one by less than 1e-6 (docs/gpu.md).
TOLERANCE = 0.01
# Of the wall clock of a cell.
MOST = 0.20
TRAINED = ("attentive", "mlp")


def probes(session):
    """One cell of JEPA, with its probes on the GPU and on the CPU."""
    on_gpu, on_cpu = run_cell(session, "on the GPU"), run_cell(session, "on the CPU", "--probes-on-cpu")
    if on_gpu:
        tell_share(session, *on_gpu)
        tell_device(session, on_gpu[0])
    if on_gpu and on_cpu:
        compare(session, on_gpu[0], on_cpu[0])


def run_cell(session, name, *more):
    """Runs the pretrained cell of JEPA by itself; returns the run and the cell's seconds, or None after a failure."""
    out = session.folder / "runs" / f"probes {name}".replace(" ", "-")
    file = session.bundle / ("suite.toml" if session.mock else "suite-quarter.toml")
    data = session.bundle / "data" if session.mock else session.folder / "data-quarter"
    words = [session.program(), "plan", "--suite", file, "--data", data, "--out", out, "--device", "cuda:0", "--methods", "jepa"]
    planned = session.run(f"probes plan {name}", [*words, *suite.plugins([session.plugin("jepa")]), *more], 150)
    if planned.status != 0:
        return session.report.say("FAIL", "probes", f"{name}: the run was not planned: {planned.reason()}")
    cells = json.loads((out / "run.json").read_text())["cells"]
    key = next(cell["key"] for cell in cells if cell["initialisation"] == "pretrained")
    ended = session.run(f"probes {name}", [session.program(), "cell", key, "--run", out], 120)
    if ended.status != 0:
        return session.report.say("FAIL", "probes", f"{name}: {ended.reason()}")
    run = Run(out)
    run.cells = {which: folder for which, folder in run.cells.items() if which[1] == "pretrained"}
    return run, ended.seconds


def record_of(run):
    return run.result(("jepa", "pretrained"))


def tell_share(session, run, seconds):
    """Checks the share of the cell's wall clock that is neither pretraining nor encoding."""
    cost = record_of(run)["cost"]
    phases = {phase: cost[phase]["seconds"] for phase in ("pretrain", "encode", "probe")}
    share = 1 - (phases["pretrain"] + phases["encode"]) / seconds
    told = ", ".join(f"{phase} {took:.1f} s" for phase, took in phases.items())
    detail = f"{100 * share:.0f} % of a cell's {seconds:.1f} s is neither pretraining nor encoding ({told}), at most {100 * MOST:.0f} % asked"
    if session.mock:
        return session.report.say("MOCK", "probes", detail)
    session.report.check(share < MOST, "probes", detail, cost=cost)


def tell_device(session, run):
    """Checks that the record says where each probe was fitted, and with which library."""
    record = record_of(run)
    on_gpu = sorted({one["probe"] for one in record["selections"] if one["track"] == "frozen" and one.get("device") == {"cuda": 0}})
    said = f"fitted on the GPU according to the record: {', '.join(on_gpu) or 'none'}"
    session.report.check(on_gpu == sorted(TRAINED) and bool(record.get("probe_library")), "probes", said)


def compare(session, on_gpu, on_cpu):
    """Compares the test errors of the same embeddings: of trained probes within the tolerance, of the others to the last digit."""
    key = ("jepa", "pretrained")
    embeddings = [run.bytes_of(key, "embeddings.safetensors") for run in (on_gpu, on_cpu)]
    same = embeddings[0] is not None and embeddings[0] == embeddings[1]
    if session.mock:
        return session.report.say("MOCK", "probes", "scores of the GPU and the CPU: not compared")
    session.report.check(same, "probes", f"embeddings of both cells: {'the same bytes' if same else 'they differ'}")
    for (track, probe), (worst, which) in largest_differences(on_gpu, on_cpu).items():
        limit = TOLERANCE if probe in TRAINED else 0.0
        detail = f"{track} {probe}: test errors differ from the CPU's by {worst:.4f} at most, {limit} allowed ({which})"
        session.report.check(worst <= limit, "probes", detail)
