"""Commands that may hang or crash: each runs in its own process group, up to a limit, and leaves its output in files."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Ended:
    """The outcome of a command; `status` is negative for a signal, None if the command was stopped at its time limit."""

    status: "int | None"
    out: str
    err: str
    seconds: float

    def reason(self):
        """Why it failed, in one line."""
        if self.status is None:
            return f"stopped after {self.seconds:.0f} s"
        said = [line.strip() for line in (self.err + "\n" + self.out).splitlines() if line.strip()]
        telling = [line for line in said if "error" in line.lower() or "panicked" in line] or said
        return f"exit status {self.status}: {telling[-1] if telling else 'no output'}"


def run(command, limit, log, env=None, cwd=None):
    """Runs a command for at most `limit` seconds; its output goes to `log`.out and `log`.err."""
    out, err = Path(f"{log}.out"), Path(f"{log}.err")
    start = time.monotonic()
    with out.open("wb") as to, err.open("wb") as errors:
        errors.write(f"# {' '.join(map(str, command))}\n".encode())
        errors.flush()
        child = start_process(command, to, errors, env, cwd)
        try:
            status = child.wait(max(limit, 0.1))
        except subprocess.TimeoutExpired:
            kill(child)
            status = None
    seconds = time.monotonic() - start
    said = err.read_text(errors="replace").split("\n", 1)[-1]
    return Ended(status, out.read_text(errors="replace"), said, seconds)


def start_process(command, out, err, env=None, cwd=None):
    """Starts a command as the leader of a new process session."""
    command = list(map(str, command))
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env, cwd=cwd, start_new_session=True)


def kill(child):
    """Kills a command and all processes of its session, whatever groups they are in."""
    for process in members(child.pid):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass
    child.wait()


def members(session):
    """The processes of a session, its leader first."""
    found = [session]
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after_name[3]) == session and int(stat.parent.name) != session:
            found.append(int(stat.parent.name))
    return found
