"""The parts that check the basics: the machine, the kernels, memory leaks, and a second look with profilers."""

import re
import shutil
from collections import Counter

from . import speed

# The rows of Nsight Compute's tables that are reported.
NSIGHT = r"^\s+((?:Compute \(SM\)|DRAM|L2 Cache|Memory) Throughput|Achieved Occupancy)\s+%\s+([\d.]+)"


def machine(session):
    """Reports the GPU, the libraries, and the output of `doctor`."""
    say = session.report.say
    if shutil.which("nvidia-smi"):
        query = "--query-gpu=name,driver_version,memory.total,clocks.max.sm,power.limit"
        smi = session.run("nvidia-smi", ["nvidia-smi", query, "--format=csv,noheader"], 20)
        say("FIGURE" if smi.status == 0 else "FAIL", "machine", smi.out.strip() or smi.reason())
    else:
        say("SKIP", "machine", "no nvidia-smi on PATH")
    session.report.check(not session.missing, "machine", f"libraries missing: {', '.join(session.missing) or 'none'}")
    ldd = session.run("ldd", ["ldd", session.plugin("jepa")], 20)
    missing = [line.strip() for line in ldd.out.splitlines() if "not found" in line]
    session.report.check(ldd.status == 0 and not missing, "machine", f"ldd of a plugin: {'; '.join(missing) or 'all found'}")
    # doctor also reports the missing Rust compiler, which these checks do not need.
    doctor = session.run("doctor", [session.program(), "doctor"], 20)
    lines = [" ".join(line.split()) for line in doctor.out.splitlines() if re.match(r"CUDA driver|GPU", line)]
    session.report.check(any(" ok " in line for line in lines), "machine", "doctor: " + "; ".join(lines or [doctor.reason()]))


def kernels(session):
    """Compares every operation on the GPU with the CPU."""
    command = [session.bundle / "bin/nn", "on_a_gpu", "--test-threads", "1", "--show-output"]
    ended = session.run("kernels", command, 90)
    report_tests(session, "kernels", ended)


def report_tests(session, part, ended):
    """Parses the output of libtest: one result for all tests that passed, and one for each that failed."""
    outcomes = dict(re.findall(r"^test (\S+) \.\.\. (\w+)", ended.out, re.M))
    skipped = sorted(set(re.findall(r"^.*SKIPPED.*$", ended.out, re.M)))
    failed = [name for name, outcome in outcomes.items() if outcome != "ok"]
    if skipped:
        session.report.say("FAIL", part, f"tests were skipped: {skipped[0]}")
    for name in failed:
        message = message_of(ended.out, name)
        uncomputed = session.mock and ("relative error" in message or "differs from run to run" in message)
        session.report.say("MOCK" if uncomputed else "FAIL", part, f"{name}: {message}")
    ran = bool(outcomes) and ended.status in (0, 101) and "test result:" in ended.out
    if not ran:
        last = (re.findall(r"^test (\S+) \.\.\. ?$", ended.out, re.M) or ["none"])[-1]
        session.report.say("FAIL", part, f"the tests did not end; {ended.reason()}; running: {last}")
    counts = Counter(outcomes.values())
    detail = f"{counts['ok']} of {len(outcomes)} tests passed in {ended.seconds:.1f} s"
    session.report.say("PASS" if ran and not failed and not skipped else "FIGURE", part, detail, outcomes=outcomes)


def message_of(out, name):
    """The panic message of a failed test."""
    section = re.search(rf"^---- {re.escape(name)} stdout ----\n(.*?)(?=^---- |^failures:|\Z)", out, re.M | re.S)
    text = section.group(1) if section else ""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("note:")]
    panics = [number for number, line in enumerate(lines) if "panicked at" in line]
    told = lines[panics[0] + 1 :][:3] if panics else lines[-2:]
    return " ".join(told) or "no message"


def leak(session):
    """Checks that more steps take no more memory."""
    few, many = (10, 40) if session.mock else (100, 1000)
    measured = [speed.bench(session, "leak", "jepa", "train", 32, 2, "f32", steps) for steps in (few, many)]
    if None in measured:
        return
    on_gpu = [speed.gpu_bytes(one) for one in measured]
    growth = (measured[1]["peak_memory_bytes"] - measured[0]["peak_memory_bytes"]) / (1 << 20)
    steps = f"after {few} and {many} steps"
    same = None not in on_gpu and on_gpu[0] == on_gpu[1]
    session.report.check(same, "leak", f"peak bytes on the GPU {steps}: {on_gpu[0]} and {on_gpu[1]}")
    session.report.check(growth < 32, "leak", f"peak bytes on the host {steps}: {growth:.1f} MiB more")


def second(session):
    """Runs Nsight Compute on the slowest kernels, and compute-sanitizer on the tests; only on request."""
    nsight(session)
    sanitizer = shutil.which("compute-sanitizer") or shutil.which("compute-sanitizer", path="/usr/local/cuda/bin")
    for tool in ("memcheck", "racecheck"):
        if not sanitizer:
            session.report.say("SKIP", "second", f"{tool}: no compute-sanitizer on PATH")
            continue
        tests = [session.bundle / "bin/nn", "convnext::on_a_gpu", "--test-threads", 1]
        ended = session.run(f"second {tool}", [sanitizer, "--tool", tool, "--error-exitcode", 99, *tests], 60)
        said = (re.findall(r"ERROR SUMMARY.*|RACECHECK SUMMARY.*", ended.out) or [ended.reason()])[-1]
        session.report.check(ended.status == 0, "second", f"{tool}: {said}")


def nsight(session):
    ncu = shutil.which("ncu") or shutil.which("ncu", path="/usr/local/cuda/bin")
    slowest = session.figures.get("slowest kernels", [])
    if not ncu or not slowest:
        why = "no ncu on PATH" if not ncu else "the part `profile` named no kernels"
        return session.report.say("SKIP", "second", f"ncu: {why}")
    for kernel in slowest[:3]:
        # The profiler truncates long names.
        name = f"regex:^{re.escape(kernel[:100])}"
        command = [ncu, "--clock-control", "none", "--target-processes", "all", "--launch-count", 3]
        command += ["--kernel-name-base", "mangled", "--kernel-name", name]
        for section in ("SpeedOfLight", "Occupancy", "MemoryWorkloadAnalysis"):
            command += ["--section", section]
        ended = session.run("second ncu", [*command, *speed.command(session, "jepa", "train", 224, 8, "f32", 1)], 40)
        figures = re.findall(NSIGHT, ended.out, re.M)
        said = ", ".join(f"{what} {value} %" for what, value in figures[:8])
        session.report.say("FIGURE" if said else "FAIL", "second", f"ncu {kernel[:60]}: {said or ended.reason()}")
