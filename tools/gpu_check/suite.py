"""The parts that train and probe a whole suite on the GPU: compared with the CPU, twice, in each precision, and after SIGKILL."""

import json
import os
import shutil
import time

from . import process
from .runs import Run, different, largest_differences, relative

TOLERANCE = {"f32": 0.02, "tf32": 0.05, "bf16": 0.05}


def command(session, suite, out, *more):
    """The command that runs a suite."""
    cores = os.cpu_count() or 1
    jobs = min(5, cores)
    words = [session.program(), "all", "--suite", session.bundle / suite, "--data", session.bundle / "data", "--out", out]
    return [*words, "--device", "cuda:0", "--jobs", jobs, "--threads", max(1, cores // jobs), *more]


def plugins(libraries):
    return [word for library in libraries for word in ("--plugins", library)]


def suite(session):
    """Pretrains and probes every method: in f32 twice, then in the other precisions."""
    reference = Run(session.bundle / "cpu")
    runs = {}
    for name in ("f32", "f32 again", "tf32", "bf16"):
        precision = name.split()[0]
        run = runs[name] = all_methods(session, name, precision)
        if not run:
            continue
        if name == "f32 again":
            same_bytes(session, runs["f32"], run)
        else:
            compare_with_cpu(session, precision, run, reference)


def all_methods(session, name, precision):
    """Runs all methods in one precision; None if the run wrote no manifest."""
    out = session.folder / "runs" / name.replace(" ", "-")
    set_ = [word for method in session.methods() for word in ("--set", f"{method}.training.precision={precision}")]
    more = [*plugins(session.plugins()), *(set_ if precision != "f32" else [])]
    ended = session.run(f"suite {name}", command(session, "suite.toml", out, *more), 60)
    if not (out / "run.json").is_file():
        return session.report.say("FAIL", "suite", f"{name}: {ended.reason()}")
    run = Run(out)
    keep(session, name, run)
    failed = [f"{cell}: {reason}" for cell, reason in run.failures().items()]
    if ended.status is None:
        failed.insert(0, ended.reason())
    done = f"{name}: {len(run.cells) - len(failed)} of {len(run.cells)} cells done in {ended.seconds:.1f} s"
    session.report.check(ended.status == 0 and not failed, "suite", "; ".join([done, *failed]))
    return run


def keep(session, name, run):
    """Copies the small files of a run to the logs."""
    for (method, initialisation), cell in run.cells.items():
        for file in ("result.json", "curves.jsonl", "log.txt", "failure.json"):
            if (cell / file).is_file():
                shutil.copy(cell / file, session.log(f"suite {name} {method} {initialisation} {file}"))


def same_bytes(session, run, again):
    """Checks that two runs on one machine end with the same states and scores."""
    if session.mock:
        return session.report.say("MOCK", "suite", "f32 twice: not compared")
    told = different(run, again) if run else ["there is no first run"]
    session.report.check(not told, "suite", f"f32 twice, states and scores: {', '.join(told) or 'the same bytes'}")


def compare_with_cpu(session, precision, run, reference):
    """Compares losses, gradients and scores with those of the CPU."""
    if session.mock:
        return session.report.say("MOCK", "suite", f"{precision}: losses, gradients and scores are not compared")
    for method in reference.pretrained():
        ours, theirs = run.curve(method), reference.curve(method)
        first, whole = relative(ours[:5], theirs[:5]), relative(ours, theirs)
        detail = f"{precision} {method}: losses differ from the CPU's by {first:.1e} in 5 steps, {whole:.1e} in {len(theirs)}"
        session.report.say("FIGURE", "suite", detail, losses=ours, losses_of_the_cpu=theirs)
    counts = {method: without_gradient(run, method) for method in reference.pretrained()}
    told = ", ".join(f"{method} {count}" for method, count in counts.items() if count != 0)
    session.report.check(not told, "suite", f"{precision}: trained tensors without a gradient: {told or 'none'}")
    for (track, probe), (worst, which) in largest_differences(run, reference).items():
        detail = f"{precision} {track} {probe}: test errors differ from the CPU's by {worst:.4f} at most ({which})"
        # With a dozen training windows, rounding may change which neighbour is nearest, and a score with it. So the paper's
        # probe must be within the tolerance in every precision, the others in f32 only.
        verdict = worst <= TOLERANCE[precision]
        if verdict or precision == "f32" or probe == "attentive":
            session.report.check(verdict, "suite", detail)
        else:
            session.report.say("FIGURE", "suite", detail)


def without_gradient(run, method):
    """The number of trained tensors that had no gradient in the first steps; None without a record."""
    result = run.result((method, "pretrained"))
    gradient = result and result["health"]["gradient"]
    return gradient and gradient["tensors_without_gradient"]


def resume(session):
    """Checks that a run killed in pretraining resumes and ends with the same bytes as an undisturbed one."""
    more = [*plugins([session.plugin("jepa")]), "--methods", "jepa"]
    whole, killed = (session.folder / "runs" / name for name in ("whole", "killed"))
    ended = session.run("resume whole", command(session, "suite-long.toml", whole, *more), 60)
    if ended.status != 0:
        return session.report.say("FAIL", "resume", f"the undisturbed run: {ended.reason()}")
    steps = kill_in_pretraining(session, command(session, "suite-long.toml", killed, *more, "--checkpoint-every", 0), killed)
    if not steps:
        return session.report.say("FAIL", "resume", "the run ended before it could be killed")
    ended = session.run("resume rest", command(session, "suite-long.toml", killed, *more), 60)
    if ended.status != 0:
        return session.report.say("FAIL", "resume", f"the resumed run: {ended.reason()}")
    told = different(Run(whole), Run(killed))
    detail = f"killed after {steps} of 200 steps, resumed: {', '.join(told) or 'the same bytes'}"
    if session.mock:
        return session.report.say("MOCK", "resume", f"killed after {steps} of 200 steps, resumed; not compared")
    session.report.check(not told, "resume", detail)


def kill_in_pretraining(session, words, out):
    """Starts a run and kills it once a checkpoint has 20 steps; returns the steps of the last checkpoint, 0 if it ended first."""
    log = session.log("resume killed")
    with open(f"{log}.out", "wb") as to, open(f"{log}.err", "wb") as errors:
        child = process.start_process(words, to, errors, session.env, session.folder)
        while child.poll() is None and checkpointed(out) < 20 and session.left() > 0:
            time.sleep(0.002)
        alive = child.poll() is None
        process.kill(child)
    return checkpointed(out) if alive else 0


def checkpointed(out):
    """The pretraining steps in the checkpoint of a run; 0 if it has none."""
    for path in out.glob("cells/*/jepa/*/checkpoint.bin"):
        try:
            return checkpoint_step(path.read_bytes())
        except OSError:
            pass
    return 0


def checkpoint_step(checkpoint):
    """The step in the header of a checkpoint: `physrep4`, 32 bytes of digest, the header's length as a u64, the header as JSON."""
    if checkpoint[:8] != b"physrep4":
        raise ValueError(f"expected a checkpoint of format physrep4, got one that begins with {checkpoint[:8]!r}")
    length = int.from_bytes(checkpoint[40:48], "little")
    return json.loads(checkpoint[48 : 48 + length])["step"]
