"""`gpu-check run`: the parts, the most informative first, each with its own time limit."""

import shutil
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from . import parts, probes, speed, suite
from .report import Report
from .session import Session

# Each part with its limit in seconds.
PARTS = {
    "machine": (parts.machine, 30),
    "kernels": (parts.kernels, 90),
    "jepa-speed": (speed.jepa, 120),
    "methods-speed": (speed.methods, 90),
    "torch": (speed.torch, 240),
    "profile": (speed.profile, 60),
    "suite": (suite.suite, 120),
    "resume": (suite.resume, 45),
    "probes": (probes.probes, 240),
    "leak": (parts.leak, 45),
    "second": (parts.second, 240),
}
ONLY_IF_ASKED = ["second"]


def run(options):
    """Runs the selected parts; returns 0 if nothing failed."""
    names = options.parts or [name for name in PARTS if name not in ONLY_IF_ASKED]
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise SystemExit(f"gpu-check: no part {', '.join(unknown)}; there are: {', '.join(PARTS)}")
    folder = Path(tempfile.mkdtemp(prefix="gpu-check-"))
    report = Report(options.out, folder / "logs")
    try:
        session = Session(options, report, folder)
        for name in names:
            run_part(session, name)
            report.save()
        modules(session)
    finally:
        report.save()
        shutil.rmtree(folder, ignore_errors=True)
    report.summary()
    return 1 if report.failures() else 0


def run_part(session, name):
    """Runs a part; an exception in it is a result of its own."""
    function, limit = PARTS[name]
    session.begin(limit)
    start = time.monotonic()
    if session.left() < 3:
        session.report.say("SKIP", name, "no time left")
    else:
        try:
            function(session)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            session.report.say("FAIL", name, f"the check itself failed: {error!r} in {place.name}, line {place.lineno}")
    session.report.times[name] = time.monotonic() - start


def modules(session):
    """Reports how many modules the driver loaded as machine code."""
    log = session.cubins_log
    if not log.is_file():
        return session.report.say("FAIL", "modules", "no module was loaded through libgpu_cubins.so")
    lines = log.read_text().splitlines()
    counts = Counter(line.split(None, 1)[1] for line in lines)
    compiled = sorted({line.split()[0] for line in lines if not line.endswith(" machine code")})
    detail = ", ".join(f"{count} as {how}" for how, count in counts.items()) + f"; compiled: {', '.join(compiled) or 'none'}"
    session.report.check(not compiled, "modules", detail)
