"""A method that looks for labels and tries to leave its sandbox, in the ways that Python has."""

import os
import signal
import socket
import subprocess
import sys

import numpy as np
import physrep


def tried(what, attempt):
    try:
        found = attempt()
        print(f"prying: {what}: REACHED {found}", file=sys.stderr)
    except (OSError, subprocess.SubprocessError) as why:
        print(f"prying: {what}: refused ({why})", file=sys.stderr)


def read(path):
    with open(path, "rb") as file:
        return len(file.read(64))


def write(path):
    with open(path, "a") as file:
        return file.write(" ")


class Prying(physrep.Method):
    def __init__(self, config, setup):
        print("prying: begins", file=sys.stderr)
        for target in config.targets:
            tried(f"a known file {target}", lambda: read(target))
            tried(f"a known folder {target}", lambda: os.listdir(target))
            tried(f"a place for a file in {target}", lambda: write(os.path.join(target, "planted")))
            tried(f"a file to change {target}", lambda: write(target))
            tried(f"the same by a program {target}", lambda: subprocess.run(["cat", target], check=True))
        tried("its own code, to change", lambda: write(__file__))
        tried("a file beside its code", lambda: write(os.path.join(os.path.dirname(__file__), "planted")))
        for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
            tried(f"a socket {family}", lambda: socket.socket(family).fileno())
        parents = [os.getppid()]
        with open(f"/proc/{parents[0]}/stat") as stat:
            parents.append(int(stat.read().rsplit(")", 1)[1].split()[1]))
        for process in [config.sibling, parents[1]]:
            tried(f"memory of {process}", lambda: read(f"/proc/{process}/mem"))
            tried(f"a descriptor of {process}", lambda: os.readlink(f"/proc/{process}/fd/1"))
            tried(f"a file of {process}", lambda: read(f"/proc/{process}/fd/1"))
            tried(f"the folder of {process}", lambda: os.listdir(f"/proc/{process}/cwd/"))
            tried(f"environment of {process}", lambda: read(f"/proc/{process}/environ"))
            tried(f"a signal to {process}", lambda: os.kill(process, signal.SIGSTOP))
        for descriptor in os.listdir("/proc/self/fd"):
            try:
                print(f"prying: holds {os.readlink(f'/proc/self/fd/{descriptor}')}", file=sys.stderr)
            except FileNotFoundError:
                pass  # that of the listing
        tried("a session of its own", os.setsid)
        with open(setup.scratch_dir / "mine", "w") as file:
            file.write("allowed")
        print("prying: ends", file=sys.stderr)

    def pretrain_step(self, batch, step):
        return 0.0

    def encode(self, batch):
        return np.ascontiguousarray(batch.clips.mean((3, 4)).transpose(0, 2, 1))

    def state(self):
        return {}

    def load_state(self, state):
        pass


physrep.run(Prying)
