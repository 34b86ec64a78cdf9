"""Finds CUDA's libraries on a machine with an unknown layout."""

import os
import shutil
import subprocess
from pathlib import Path

DRIVER = "libcuda.so.1"
NEEDED = [DRIVER, "libcublas.so.13", "libcublasLt.so.13", "libcudart.so.13", "libcurand.so.10", "libnvrtc.so.13"]
WANTED = [*NEEDED, "libcupti.so.13"]
USUAL = ["/usr/local/cuda/lib64", "/usr/local/cuda/extras/CUPTI/lib64", "/usr/local/nvidia/lib64", "/usr/local/nvidia/lib"]
SITES = "import sysconfig; print(sysconfig.get_path('purelib')); print(sysconfig.get_path('platlib'))"


def search_path():
    """LD_LIBRARY_PATH with the folders of all wanted libraries added, and the names of those that were not found."""
    given = [Path(folder) for folder in os.environ.get("LD_LIBRARY_PATH", "").split(":") if folder]
    known = loader_cache()
    # The folder with the most libraries comes first: libraries of one release belong together.
    found = sorted(candidates(known.values()), key=lambda folder: -len(held(folder)))
    chosen, missing = list(given), []
    for name in WANTED:
        # If the loader finds a driver, it is the system's own, and the one to use.
        if any((folder / name).exists() for folder in chosen) or (name == DRIVER and name in known):
            continue
        holder = next((folder for folder in found if (folder / name).exists()), None)
        if holder:
            chosen.append(holder)
        elif name in NEEDED:
            missing.append(name)
    return ":".join(map(str, chosen)), missing


def held(folder):
    return [name for name in WANTED if (folder / name).exists()]


def candidates(known):
    """Folders that may hold the libraries, including the known ones, without duplicates."""
    home = os.environ.get("CUDA_HOME")
    folders = [Path(home) / name for name in ("lib64", "lib") if home]
    folders += [Path(folder) for folder in USUAL]
    folders += known
    for site in sites():
        folders += [site / "nvidia/cu13/lib", *sorted(site.glob("nvidia/*/lib"))]
    return list(dict.fromkeys(folder for folder in folders if folder.is_dir()))


def loader_cache():
    """The wanted libraries in the cache of the system's loader, with their folders."""
    ldconfig = shutil.which("ldconfig") or "/sbin/ldconfig"
    lines = output([ldconfig, "-p"]).splitlines()
    found = [(line.split()[0], Path(line.split(" => ")[1]).parent) for line in lines if " => " in line]
    return {name: folder for name, folder in reversed(found) if name in WANTED}


def pythons():
    """Every python3 on PATH, and the one of the environment with PyTorch."""
    folders = [*os.environ.get("PATH", "").split(":"), "/opt/torch/.venv/bin"]
    return [python for python in dict.fromkeys(Path(folder) / "python3" for folder in folders if folder) if python.is_file()]


def sites():
    """The package folders of each Python."""
    lines = [line for python in pythons() for line in output([python, "-c", SITES]).splitlines()]
    return [Path(line) for line in dict.fromkeys(lines)]


def output(command):
    """The standard output of a command, or an empty string if it fails."""
    try:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ended.stdout if ended.returncode == 0 else ""
