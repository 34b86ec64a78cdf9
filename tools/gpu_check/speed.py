"""The parts that time steps: with `physrep-bench bench`, against PyTorch, and kernel by kernel."""

import json
import math
import shutil
import sys

from . import process

PRECISIONS = ["f32", "tf32", "bf16"]
# The keys of a line of the baseline that holds a time.
MEASUREMENT = {"size", "batch", "mode", "what", "ms"}


def command(session, method, mode, size, batch, precision, steps):
    """The command that times steps of a method."""
    words = [session.program(), "bench", method, "--plugins", session.plugin(method), "--device", "cuda:0", "--channels", 11]
    words += ["--frames", 16, "--mode", mode, "--size", size, "--batch", batch, "--steps", steps]
    return words + (["--set", f"{method}.training.precision={precision}"] if precision != "f32" else [])


def bench(session, part, method, mode, size, batch, precision, steps, **env):
    """The measurement of steps of a method, or None; a failure is reported."""
    name = f"{method} {mode} {size} b{batch} {precision}"
    ended = session.run(f"{part} {name}", command(session, method, mode, size, batch, precision, steps), 60, **env)
    try:
        return json.loads(ended.out) if ended.status == 0 else session.report.say("FAIL", part, f"{name}: {ended.reason()}")
    except json.JSONDecodeError:
        return session.report.say("FAIL", part, f"{name}: printed no JSON")


def gpu_bytes(measured):
    """The peak memory on the GPU in bytes; None if the program does not report it."""
    return measured.get("peak_device_memory_bytes")


def figure(session, part, method, mode, size, batch, precision, steps):
    """Times steps of a method, reports the milliseconds, and returns the measurement."""
    measured = bench(session, part, method, mode, size, batch, precision, steps)
    if not measured:
        return None
    seconds = measured["seconds_per_step"]
    median, least, memory = 1e3 * seconds["median"], 1e3 * seconds["min"], gpu_bytes(measured) or 0
    rate = measured.get("gflop_per_second") or 0
    detail = f"{method} {mode} {size} b{batch} {precision}: {median:.2f} ms median, {least:.2f} min, {memory / 1e9:.2f} GB"
    facts = {"method": method, "mode": mode, "size": size, "batch": batch, "precision": precision, "measured": measured}
    session.report.say("FIGURE", part, f"{detail}, {rate:.0f} GFLOP/s", **facts)
    return measured


def jepa(session):
    """Steps of JEPA at the paper's sizes."""
    for size, batch, steps in [(32, 2, 1)] if session.mock else [(224, 8, 10), (64, 32, 20), (128, 8, 20)]:
        for mode in ("train", "encode"):
            for precision in PRECISIONS:
                timed(session, "jepa-speed", "jepa", mode, size, batch, precision, steps)


def methods(session):
    """Steps of the other methods."""
    for size, batch, steps in [(32, 2, 1)] if session.mock else [(224, 8, 10), (64, 8, 10)]:
        for method in session.methods():
            # DISCO's integrator makes thousands of launches per step: seconds, which say little about the kernels.
            if method in ("jepa", "disco"):
                continue
            for precision in PRECISIONS if method in ("mpp", "videomae") else ("f32", "bf16"):
                timed(session, "methods-speed", method, "train", size, batch, precision, steps)


def timed(session, part, method, mode, size, batch, precision, steps):
    """Times steps and keeps the median for the comparison with PyTorch."""
    measured = figure(session, part, method, mode, size, batch, precision, steps)
    if measured:
        median = 1e3 * measured["seconds_per_step"]["median"]
        cell = method, mode, size, batch, precision
        session.figures.setdefault("steps", {})[cell] = median
        session.figures.setdefault("work", {})[cell] = median, measured.get("gflop_per_step")


def torch(session):
    """Times steps of JEPA in PyTorch and compares them."""
    if not session.torch:
        return session.report.say("SKIP", "torch", "--torch was not given")
    commands = session.torch / "command.txt"
    if not commands.is_file():
        return session.report.say("SKIP", "torch", f"{commands} is not there")
    told = []
    for number, line in enumerate(line for line in commands.read_text().splitlines() if line.strip() and line[0] != "#"):
        seconds, *words = line.split()
        told += baseline(session, number, float(seconds), words)
    ratios(session, [line for line in told if MEASUREMENT <= line.keys()])
    floors(session, {line["product"]: line["tflops"] for line in told if {"product", "tflops"} <= line.keys()})


def baseline(session, number, limit, words):
    """The JSON lines of one run of the baseline, including those before a failure."""
    log = session.log(f"torch {number}")
    # In the machine's own environment: the bundle's would mix libraries.
    command = [shutil.which("python3") or sys.executable, session.torch / "baseline.py", *words]
    ended = process.run(command, min(limit, session.left()), log, cwd=session.torch)
    if ended.status != 0:
        session.report.say("FAIL", "torch", f"baseline.py {' '.join(words)}: {ended.reason()}")
    lines = [parsed(line) for line in ended.out.splitlines()]
    return [line for line in lines if line]


def parsed(line):
    """The JSON object on a line; None if the line is anything else."""
    try:
        value = json.loads(line)
        return value if isinstance(value, dict) else None
    except json.JSONDecodeError:
        return None


def floors(session, ceilings):
    """The time of each step if its operations ran as fast as large matrix products of its precision on this GPU."""
    for (method, mode, size, batch, precision), (median, gflop) in session.figures.get("work", {}).items():
        if gflop and precision in ceilings:
            floor = gflop / ceilings[precision]
            detail = f"{method} {mode} {size} b{batch} {precision}: {gflop:.0f} GFLOP per step; at {ceilings[precision]} TFLOP/s"
            detail += f" {floor:.2f} ms, {100 * floor / median:.0f} % of our {median:.2f} ms"
            session.report.say("FIGURE", "torch", f"floor of {detail}")


def ratios(session, told):
    """PyTorch's times over ours: of the released code, and of its fastest tuning at the same precision."""
    ours = session.figures.get("steps", {})
    cells = dict.fromkeys((line.get("model", "jepa"), line["what"], line["size"], line["batch"]) for line in told)
    for cell in cells:
        theirs = {}
        for line in told:
            if (line.get("model", "jepa"), line["what"], line["size"], line["batch"]) == cell:
                theirs[line["mode"]] = min(line["ms"], theirs.get(line["mode"], math.inf))
        name = f"{cell[0]} {cell[1]} {cell[2]} b{cell[3]}"
        session.report.say("FIGURE", "torch", f"PyTorch {name}: " + ", ".join(f"{m} {ms:.2f} ms" for m, ms in theirs.items()))
        for precision in PRECISIONS:
            median = ours.get((*cell, precision))
            if median:
                compare(session, cell, f"{name} {precision}", precision, median, theirs)


def compare(session, cell, name, precision, median, theirs):
    """Checks our median against the required ratio."""
    tuned = {mode: ms for mode, ms in theirs.items() if precision in mode.split("-")}
    asked = []
    if cell[0] == "jepa":
        asked += [("as released", {"released": theirs["released"]}, 10 if cell[1] == "train" else 4)] if "released" in theirs else []
        asked += [("tuned", tuned, 4)] if tuned else []
    elif tuned:
        asked += [("with fused attention", tuned, 1)]
    for what, times, factor in asked:
        mode, fastest = min(times.items(), key=lambda item: item[1])
        detail = f"{name}: ours {median:.2f} ms, PyTorch {what} ({mode}) {fastest:.2f} ms: {fastest / median:.2f} times, asked {factor}"
        session.report.check(fastest >= factor * median, "torch", detail)


def profile(session):
    """Reports which kernels take the time, and how long the GPU is idle."""
    library = session.bundle / "lib/libgpu_profile.so"
    if not library.is_file():
        return session.report.say("SKIP", "profile", "the bundle has no libgpu_profile.so")
    sizes = [(32, 2, "f32")] if session.mock else [(224, 8, "f32"), (224, 8, "bf16"), (64, 32, "f32")]
    for size, batch, precision in sizes:
        name = f"jepa train {size} b{batch} {precision}"
        prefix = session.report.logs / f"kernels-{size}-b{batch}-{precision}.txt"
        env = {"CUDA_INJECTION64_PATH": library, "GPU_PROFILE": prefix}
        if not bench(session, "profile", "jepa", "train", size, batch, precision, 5, **env):
            continue
        written = sorted(prefix.parent.glob(prefix.name + "*"), key=lambda path: path.stat().st_size)
        if not written:
            session.report.say("MOCK" if session.mock else "FAIL", "profile", f"{name}: no report was written")
            continue
        tell_profile(session, name, written[-1].read_text(errors="replace").splitlines())


def tell_profile(session, name, lines):
    """Prints the first lines of the profiler's report: the totals, and the slowest kernels."""
    session.report.say("FIGURE", "profile", f"{name}: {lines[0]}", lines=lines)
    for line in lines[1:14]:
        print("    " + line[:110], flush=True)
    names = [line.split(None, 7)[-1].strip() for line in lines[2:8]]
    session.figures.setdefault("slowest kernels", [name for name in names if not name.startswith(("copy", "memset"))])
