"""Writes the weights of a safetensors file as trainers in PyTorch leave them: torch_files.py STATE FOLDER

Without torch: a checkpoint is a zip archive with a pickle, in which storages stand for themselves by a persistent id. Every file in
FOLDER/good holds the encoder of STATE; those in FOLDER/bad do not, or not only.
"""

import collections
import io
import json
import math
import pickle
import struct
import sys
import types
import zipfile
from pathlib import Path

torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
sys.modules.update({"torch": torch, "torch._utils": utils})


def in_module(module, name, value):
    value.__module__, value.__qualname__, value.__name__ = module.__name__, name, name
    setattr(module, name, value)


for function in ["_rebuild_tensor_v2", "_rebuild_parameter", "_rebuild_sparse_tensor"]:
    in_module(utils, function, (lambda: lambda *arguments: None)())
SIZES = {"FloatStorage": "f", "DoubleStorage": "d", "BFloat16Storage": "H"}
for name in SIZES:
    in_module(torch, name, type(name, (), {}))


class Storage:
    def __init__(self, kind, values):
        self.kind, self.count = kind, len(values)
        self.bytes = struct.pack(f"<{len(values)}{SIZES[kind]}", *values)


def row_major(shape):
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


class Tensor:
    """A view of a storage."""

    def __init__(self, storage, shape, strides=None, offset=0):
        self.storage, self.shape, self.offset = storage, tuple(shape), offset
        self.strides = row_major(shape) if strides is None else tuple(strides)

    def __reduce__(self):
        arguments = (self.storage, self.offset, self.shape, self.strides, False, collections.OrderedDict())
        return utils._rebuild_tensor_v2, arguments


class Parameter:
    def __init__(self, tensor):
        self.tensor = tensor

    def __reduce__(self):
        return utils._rebuild_parameter, (self.tensor, True, collections.OrderedDict())


class Sparse:
    def __reduce__(self):
        return utils._rebuild_sparse_tensor, (None,)


class Module:
    """A module that is pickled whole."""

    def __init__(self):
        self._parameters, self._buffers, self._modules = {}, {}, {}


def save(path, content, protocol=2, root="archive", change=None):
    storages, text = {}, io.BytesIO()

    class Pickler(pickle.Pickler):
        def persistent_id(self, found):
            if isinstance(found, Storage):
                key = storages.setdefault(id(found), (str(len(storages)), found))[0]
                return "storage", getattr(torch, found.kind), key, "cpu", found.count
            return None

    Pickler(text, protocol).dump(content)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{root}/data.pkl", text.getvalue())
        for key, storage in storages.values():
            archive.writestr(f"{root}/data/{key}", storage.bytes)
        archive.writestr(f"{root}/version", "3\n")
    if change:
        path.write_bytes(change(path.read_bytes()))


def read_encoder(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    encoder = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name.startswith("encoder."):
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            values = struct.unpack(f"<{(end - begin) // 4}f", data[begin:end])
            encoder[name.removeprefix("encoder.")] = (values, tuple(entry["shape"]))
    return encoder


def permuted(values, shape, order):
    """The tensor with its axes stored in another order, the last of `order` innermost."""
    strides, step = [0] * len(shape), 1
    for axis in reversed(order):
        strides[axis], step = step, step * shape[axis]
    stored, own = [0.0] * len(values), row_major(shape)
    for number, value in enumerate(values):
        index = [number // own[axis] % shape[axis] for axis in range(len(shape))]
        stored[sum(i * stride for i, stride in zip(index, strides))] = value
    return Tensor(Storage("FloatStorage", stored), shape, strides)


def main():
    encoder, folder = read_encoder(Path(sys.argv[1])), Path(sys.argv[2])
    good, bad = folder / "good", folder / "bad"
    good.mkdir(parents=True)
    bad.mkdir()

    def weights(prefix="", kind="FloatStorage"):
        make = lambda values, shape: Tensor(Storage(kind, values), shape)
        return collections.OrderedDict((prefix + name, make(*found)) for name, found in encoder.items())

    plain = weights()
    whole = collections.OrderedDict(weights("encoder."), **{"predictor.weight": Tensor(Storage("FloatStorage", [1.0]), [1])})
    save(good / "plain.pth", plain)
    save(good / "pytorch_model.bin", plain)
    save(good / "epoch=1.ckpt", plain, root="epoch=1")
    save(good / "model.pth.tar", plain)
    save(good / "UPPER.PTH", whole)
    for name, prefix in [
        ("parallel", "module."),
        ("compiled", "_orig_mod."),
        ("both", "module._orig_mod.encoder."),
        ("inner", "encoder._orig_mod."),
    ]:
        save(good / f"{name}.pth", weights(prefix))
    moments = {"state": {0: {"step": 3, "exp_avg": next(iter(plain.values()))}}, "param_groups": [{"lr": 1e-3, "params": [0]}]}
    lightning = {"epoch": 3, "global_step": 2**40, "optimizer_states": [moments], "hyper_parameters": {"path": Path("x"), "rate": 0.1}}
    save(good / "lightning.ckpt", {**lightning, "state_dict": weights("model.encoder.")})
    save(good / "deepspeed.pt", {"module": whole, "ds_version": "0.15", "optimizer": None})
    save(good / "ema.pt", {"ema": {"module": weights("encoder."), "decay": 0.999}, "optimizer": moments})
    save(good / "deep.pt", {"run": [{"best": {"model_state_dict": {"net": plain}}}]})
    save(good / "twice.pt", {"state_dict": plain, "model": plain})
    save(good / "parameters.pt", {name: Parameter(tensor) for name, tensor in plain.items()})
    save(good / "protocol4.pt", {"model": plain}, protocol=4)
    save(good / "double.pt", weights(kind="DoubleStorage"))
    nested = Module()
    for name, tensor in plain.items():
        *path, last = name.split(".")
        module = nested
        for part in path:
            module = module._modules.setdefault(part, Module())
        module._parameters[last] = Parameter(tensor)
    save(good / "pickled_module.pt", nested)

    spatial = lambda shape: [0, *range(2, len(shape)), 1] if len(shape) > 2 else range(len(shape))
    reverse = lambda shape: list(reversed(range(len(shape))))
    for name, order in [("channels_last", spatial), ("transposed", reverse)]:
        save(good / f"{name}.pt", {key: permuted(*found, order(found[1])) for key, found in encoder.items()})
    flat = Storage("FloatStorage", [value for values, _ in encoder.values() for value in (0.5, *values)])
    views, offset = {}, 0
    for name, (values, shape) in encoder.items():
        views[name] = Tensor(flat, shape, offset=offset + 1)
        offset += 1 + len(values)
    save(good / "one_storage.pt", views)

    first, (values, shape) = next(iter(encoder.items()))
    shorter = weights()
    del shorter[first]
    other = {name: Tensor(Storage("FloatStorage", [0.0] * len(values)), shape) for name, (values, shape) in encoder.items()}
    save(bad / "two.pt", {"model": plain, "ema": other})
    save(bad / "deeper.pt", {**plain, "another.block.weight": plain[first]})
    save(bad / "shorter.pt", {"model": shorter})
    save(bad / "renamed.pt", {f"layer{index}": tensor for index, tensor in enumerate(plain.values())})
    save(bad / "reshaped.pt", {**plain, first: Tensor(Storage("FloatStorage", [1.0]), [1])})
    save(bad / "beyond.pt", {**plain, first: Tensor(Storage("FloatStorage", values[:-1]), shape)})
    save(bad / "endless.pt", {**plain, first: Tensor(Storage("FloatStorage", [1.0]), [2**40] * 4, [0] * 4)})
    save(bad / "cut.pt", plain, change=lambda data: data[: len(data) // 2])
    stored = struct.pack(f"<{len(values)}f", *values)
    save(bad / "flipped.pt", plain, change=lambda data: data.replace(stored, bytes([stored[0] ^ 1]) + stored[1:]))
    save(bad / "sparse.pt", {name: Sparse() for name in plain})
    save(bad / "nan.pt", {**plain, first: Tensor(Storage("FloatStorage", [*values[:-1], math.nan]), shape)})
    save(bad / "no_tensors.pt", {"epoch": 3, "name": "model"})
    (bad / "legacy.pth").write_bytes(pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2))
    (bad / "pickled.pt").write_bytes(pickle.dumps({"model": 1}, 4))
    (bad / "index.safetensors").write_text('{"weight_map": {}}')
    with zipfile.ZipFile(bad / "packed.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}))
    with zipfile.ZipFile(bad / "arrays.npz", "w") as archive:
        archive.writestr("w.npy", b"\x93NUMPY")
    pickles = {
        "nested": b"\x80\x02)" + b"\x85" * 1_000_000 + b".",
        "doubled": b"\x80\x02)" + b"2\x86" * 100_000 + b".",
        "unknown": b"\x80\x02\xff.",
        "recursive": b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.",
        "code": b"\x80\x02cos\nsystem\nX\x0e\x00\x00\x00touch executed\x85R.",
    }
    for name, text in pickles.items():
        with zipfile.ZipFile(bad / f"{name}.pt", "w") as archive:
            archive.writestr("archive/data.pkl", text)


main()
