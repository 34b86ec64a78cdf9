"""What all parts share: the unpacked bundle, the environment of its programs, the time limit, and the report."""

import os
import tarfile
import time

from . import libraries, process


class Session:
    """One run of the checks; `mock` says that no GPU computes anything."""

    def __init__(self, options, report, folder):
        self.report, self.mock, self.torch = report, options.mock, options.torch and options.torch.resolve()
        self.folder, self.bundle = folder, folder / "bundle"
        unpack(options.bundle / "bundle.tar.xz", self.bundle)
        self.cubins_log = report.logs / "modules.txt"
        self.env, self.missing = self.environment()
        self.deadline = self.end = time.monotonic() + options.seconds
        self.figures = {}
        self.count = 0

    def environment(self):
        path, missing = libraries.search_path()
        cubins, preload = self.bundle / "cubins", self.bundle / "lib/libgpu_cubins.so"
        ours = {"LD_LIBRARY_PATH": path, "LD_PRELOAD": preload, "GPU_CUBINS": cubins, "GPU_CUBINS_LOG": self.cubins_log}
        ours |= {"CUDA_CACHE_PATH": self.folder / "cuda-cache", "PHYSREP_REQUIRE_GPU": 1}
        return os.environ | {name: str(value) for name, value in ours.items()}, missing

    def begin(self, limit):
        """Starts the time limit of a part, in seconds; it is five times as long on the mock driver."""
        self.deadline = min(self.end, time.monotonic() + limit * (5 if self.mock else 1))

    def left(self):
        """The seconds left of the current part."""
        return self.deadline - time.monotonic()

    def run(self, name, command, limit=600, **env):
        """Runs a command in the environment of the bundle, to the end of its part at most; `name` names its log."""
        log = self.log(name)
        env = self.env | {key: str(value) for key, value in env.items()}
        return process.run(command, min(limit * (5 if self.mock else 1), self.left()), log, env, self.folder)

    def log(self, name):
        """The path of a new log, without its extension."""
        self.count += 1
        return self.report.logs / f"{self.count:03}-{name.replace(' ', '-')}"

    def program(self):
        return self.bundle / "bin/physrep-bench"

    def plugin(self, method):
        return self.bundle / f"plugins/libphysrep_{method}.so"

    def plugins(self):
        """The libraries of all methods."""
        return sorted((self.bundle / "plugins").glob("*.so"))

    def methods(self):
        return [path.stem.removeprefix("libphysrep_") for path in self.plugins()]


def unpack(packed, folder):
    with tarfile.open(packed, "r:xz") as archive:
        if hasattr(tarfile, "data_filter"):
            archive.extractall(folder, filter="data")
        else:
            archive.extractall(folder)
