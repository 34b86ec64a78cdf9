"""`gpu-check bundle`: builds the program, its methods for GPUs and their tests, computes the reference results on the CPU, and
packs everything into one file."""

import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

from . import cubins

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "target/gpu-check-work"
CUDA_TARGET = ROOT / "target/cuda"
MOST_BYTES = 40 << 20
# The sections of a suite file that configure methods.
METHODS = r"^\[methods\..*\]\n(?:[^\[\n].*\n|\n)*"


def make(out):
    """Writes OUT/bundle.tar.xz."""
    home = Path(os.environ.get("CUDA_HOME") or "/usr/local/cuda")
    if not (home / "bin/ptxas").is_file():
        raise SystemExit(f"gpu-check: {home}/bin/ptxas is not there; CUDA_HOME names NVIDIA's compiler (docs/gpu.md)")
    tree = WORK / "bundle"
    shutil.rmtree(tree, ignore_errors=True)
    for step in (programs, machine_code, reference, profiler):
        start = time.monotonic()
        step(home, tree)
        print(f"gpu-check: {step.__name__.replace('_', ' ')}: {time.monotonic() - start:.0f} s", flush=True)
    pack(tree, out)


def command(*words, **more):
    subprocess.run(list(map(str, words)), check=True, cwd=ROOT, **more)


def methods():
    # `external` is no method itself: it starts those in other processes.
    return sorted(path.parent.name for path in ROOT.glob("plugins/*/Cargo.toml") if path.parent.name != "external")


def libraries(target):
    return [target / f"release/libphysrep_{method}.so" for method in methods()]


def probe_library():
    return CUDA_TARGET / "release/libphysrep_probe_library.so"


def built_for_gpus():
    """The crates that are built for GPUs. Built together: alone, some would have dependencies with fewer features."""
    return [*(f"physrep-{method}" for method in methods()), "physrep-probe-library"]


def for_gpus(packages):
    """The arguments of cargo that build packages for GPUs."""
    packages = list(packages)
    selected = [word for package in packages for word in ("-p", package)]
    features = ",".join(f"{package}/cuda" for package in packages)
    return ["--release", "--locked", *selected, "--features", features, "--target-dir", str(CUDA_TARGET)]


def programs(_, tree):
    """Builds the program, the methods and the probe library for GPUs, and the CUDA tests of physrep-nn."""
    command("cargo", "build", "--release", "--locked", "--workspace")
    command("tools/mock-cuda", "cargo", "build", *for_gpus(built_for_gpus()))
    strip(ROOT / "target/release/physrep-bench", tree / "bin/physrep-bench")
    for library in libraries(CUDA_TARGET):
        strip(library, tree / "plugins" / library.name)
    # Where the program looks for it.
    strip(probe_library(), tree / "bin/cuda" / probe_library().name)
    strip(test_executable(), tree / "bin/nn")


def test_executable():
    """Builds the CUDA tests of physrep-nn; returns the executable."""
    selected = for_gpus(["physrep-nn", *built_for_gpus()])
    words = ["cargo", "test", "--no-run", *selected, "--test", "nn", "--message-format=json-render-diagnostics"]
    built = subprocess.run(["tools/mock-cuda", *words], check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    messages = [json.loads(line) for line in built.stdout.splitlines() if line.startswith("{")]
    return next(Path(message["executable"]) for message in messages if message.get("executable"))


def strip(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    command("strip", "--strip-unneeded", "-o", target, source)


def machine_code(home, tree):
    """Assembles the embedded PTX, and builds the library that passes it to the driver."""
    texts = cubins.embedded(ROOT, CUDA_TARGET, [*libraries(CUDA_TARGET), probe_library()])
    (tree / "cubins").mkdir(parents=True)
    for cubin in cubins.assemble(home, texts, WORK / "cubins"):
        shutil.copy(cubin, tree / "cubins")
    (tree / "lib").mkdir()
    output = tree / "lib/libgpu_cubins.so"
    command("cc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", output, "tools/gpu-cubins.c", "-ldl")


def reference(_, tree):
    """Writes the suite of the checks and its data, and runs it on the CPU."""
    suite, data, run = tree / "suite.toml", WORK / "data", WORK / "cpu"
    suite.write_text(suite_of(samples=80))
    (tree / "suite-long.toml").write_text(suite_of(samples=800))
    (tree / "suite-quarter.toml").write_text(quarter_of_small())
    plugins = [word for library in libraries(ROOT / "target") for word in ("--plugins", library)]
    words = ["all", "--suite", suite, "--data", data, "--out", run, "--device", "cpu", *plugins]
    log = WORK / "cpu.log"
    with log.open("w") as said:
        try:
            command(ROOT / "target/release/physrep-bench", *words, stdout=said, stderr=said)
        except subprocess.CalledProcessError:
            raise SystemExit(f"gpu-check: the run on the CPU failed:\n{log.read_text()[-2000:]}")
    shutil.copytree(data, tree / "data")
    for path in records(run):
        target = tree / "cpu" / path.relative_to(run)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


def suite_of(samples):
    """The smallest suite of the tests, with more pretraining samples and the small method configurations of the suite `tiny`."""
    small = (ROOT / "tests/suites/micro.toml").read_text()
    if small.count("samples = 24\n") != 1:
        raise SystemExit("gpu-check: tests/suites/micro.toml no longer has the line `samples = 24`")
    methods = re.findall(METHODS, (ROOT / "benchmarks/suites/tiny.toml").read_text(), re.M)
    return re.sub(METHODS, "", small, flags=re.M).replace("samples = 24\n", f"samples = {samples}\n") + "\n" + "".join(methods)


def quarter_of_small():
    """The suite `small` with one system, a quarter of its clips and trajectories, and no end-to-end training."""
    text = (ROOT / "benchmarks/suites/small.toml").read_text()
    head, first = text.split("[[system]]\n")[:2]
    head = re.sub(r"^\[finetune\]\n(?:[^\[#\n].*\n)*", "", head, flags=re.M)
    split = lambda found: f"{found[1]} = {int(found[2]) // 4}"
    first = re.sub(r"^trajectories = .*$", lambda line: re.sub(r"(\w+) = (\d+)", split, line[0]), first, flags=re.M)
    whole = head + "[[system]]\n" + first
    for small, quarter in (('name = "small"', 'name = "quarter"'), ("seeds = [0, 1, 2]", "seeds = [0]"), ("samples = 32768", "samples = 8192")):
        if whole.count(small) != 1:
            raise SystemExit(f"gpu-check: benchmarks/suites/small.toml no longer has the line `{small}`")
        whole = whole.replace(small, quarter)
    return whole


def records(run):
    """The manifest of a run, and the losses and scores of its cells."""
    yield run / "run.json"
    for cell in json.loads((run / "run.json").read_text())["cells"]:
        yield from (path for name in ("result.json", "curves.jsonl") if (path := run / cell["folder"] / name).is_file())


def profiler(home, tree):
    """Builds the library that times kernels, if CUPTI is installed."""
    source, include = ROOT / "tools/gpu-profile.c", home / "include"
    if source.is_file() and (include / "cupti.h").is_file():
        output = tree / "lib/libgpu_profile.so"
        command("cc", "-O2", "-shared", "-fPIC", f"-I{include}", "-o", output, source, f"-L{home / 'lib'}", "-l:libcupti.so.13")


def pack(tree, out):
    """Packs the files in order of their paths, so that plugins, which share most of their bytes, are adjacent."""
    out.mkdir(parents=True, exist_ok=True)
    packed = out / "bundle.tar.xz"
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 2, "dict_size": 192 << 20}]
    start = time.monotonic()
    with lzma.open(packed, "wb", filters=filters) as stream, tarfile.open(fileobj=stream, mode="w") as archive:
        for path in files:
            archive.add(path, path.relative_to(tree))
    size, biggest = packed.stat().st_size, sorted(files, key=lambda path: -path.stat().st_size)[:8]
    print(f"gpu-check: {packed}: {size / (1 << 20):.1f} MiB, packed in {time.monotonic() - start:.0f} s")
    if size > MOST_BYTES:
        named = ", ".join(f"{path.relative_to(tree)} ({path.stat().st_size >> 20} MiB)" for path in biggest)
        sys.exit(f"gpu-check: the bundle is larger than {MOST_BYTES >> 20} MiB; its biggest files, unpacked: {named}")
