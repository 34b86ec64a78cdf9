"""Machine code for the PTX in the plugins, so that the driver does not have to compile it."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ARCHITECTURE = "sm_90"


def fnv1a(data):
    """64-bit FNV-1a, as tools/gpu-cubins.c has it."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def embedded(root, target, plugins):
    """The PTX texts embedded in the plugins, with the files they come from."""
    candidates = [*target.glob("release/build/candle-kernels-*/out/*.ptx"), *root.glob("plugin-api/nn/src/cuda/kernels/ptx/*.ptx")]
    texts = {path.read_bytes().partition(b"\0")[0]: path for path in sorted(candidates)}
    libraries = [path.read_bytes() for path in plugins]
    found = {text: path for text, path in texts.items() if any(text in library for library in libraries)}
    # A plugin embeds all of our kernels, and those of candle's that it can reach.
    stale = sorted(path.name for text, path in texts.items() if text not in found and path.name.startswith("kernels."))
    if stale or not any("candle-kernels" in str(path) for path in found.values()):
        raise SystemExit(f"gpu-check: no plugin embeds the text of {', '.join(stale) or 'any of candle kernels'}")
    return found


def assemble(home, texts, folder):
    """Writes HASH.cubin of each text into the folder, unless it is there already, and returns the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda item: assemble_one(home, *item, folder), texts.items()))


def assemble_one(home, text, path, folder):
    cubin = folder / f"{fnv1a(text):016x}.cubin"
    if not cubin.is_file():
        fresh = cubin.with_suffix(".fresh")
        command = [Path(home) / "bin/ptxas", f"-arch={ARCHITECTURE}", "-O3", "-o", fresh, path]
        ended = subprocess.run(command, capture_output=True, text=True)
        if ended.returncode != 0:
            raise SystemExit(f"gpu-check: {path} cannot be assembled:\n{ended.stderr[:1000]}")
        fresh.rename(cubin)
    return cubin
