"""Writes a file of The Well again as other programs do: hdf5_files.py FILE FOLDER

Files in FOLDER/good have the same values as FILE, unless their name says otherwise; those in FOLDER/bad refer to others or cannot be read;
those in FOLDER/odd can be read, but are not what a simulation gives.
"""

import os
import sys
from pathlib import Path

import h5py
import numpy as np
from h5py import h5d, h5p, h5s, h5t, h5z

TRACER = "t0_fields/tracer"


def copy(source, target, write=lambda group, name, values: group.create_dataset(name, data=values), **options):
    """The file again, with its fields written by `write`."""
    with h5py.File(source) as old, h5py.File(target, "w", **options) as new:
        new.attrs.update(old.attrs)
        for group in old:
            if not group.endswith("_fields"):
                old.copy(group, new)
                continue
            new.create_group(group).attrs.update(old[group].attrs)
            for name in old[group]:
                write(new[group], name, old[group][name][:])
                if new[group].get(name, getclass=True, getlink=True) is h5py.HardLink:
                    new[group][name].attrs.update(old[group][name].attrs)


def with_options(**options):
    return lambda group, name, values: group.create_dataset(name, data=values, chunks=(1, 5, 7, 8) + values.shape[4:], **options)


def as_type(kind):
    return lambda group, name, values: group.create_dataset(name, data=values.astype(kind))


def corner(value, write):
    """Writes the tracer with one value in a quarter of each frame."""

    def changed(group, name, values):
        values = values.copy()
        values[:, :, :8, :16] = value
        write(group, name, values)

    return only_tracer(changed)


def unwritten(value):
    """What has this value is never written."""

    def write(group, name, values):
        data = group.create_dataset(name, shape=values.shape, dtype="f4", chunks=(1, 1, 8, 16), fillvalue=value)
        for chunk in data.iter_chunks():
            if (values[chunk] != value).any():
                data[chunk] = values[chunk]

    return write


def soft(group, name, values):
    group.file.require_group("elsewhere").create_dataset(name, data=values)
    group[name] = h5py.SoftLink(f"/elsewhere/{name}")
    group.file["elsewhere"][name].attrs.update({"sample_varying": True, "time_varying": True, "dim_varying": [True, True]})


def only_tracer(write):
    """Writes the tracer so, and other fields as they are."""
    return lambda group, name, values: (
        write(group, name, values) if name == "tracer" else group.create_dataset(name, data=values)
    )


def external_link(target):
    def write(group, name, values):
        group[name] = h5py.ExternalLink(target, f"/{TRACER}")

    return write


def virtual(group, name, values):
    layout = h5py.VirtualLayout(values.shape, "f4")
    layout[:] = h5py.VirtualSource("whole.data", TRACER, values.shape)
    group.create_virtual_dataset(name, layout)


def external_storage(group, name, values):
    values.astype("f4").tofile("tracer.bin")
    group.create_dataset(name, shape=values.shape, dtype="f4", external=[("tracer.bin", 0, h5py.h5f.UNLIMITED)])


def low_level(change):
    def write(group, name, values):
        properties = h5p.create(h5p.DATASET_CREATE)
        properties.set_chunk((1, 1) + values.shape[2:])
        change(properties)
        data = h5d.create(group.id, name.encode(), h5t.IEEE_F32LE, h5s.create_simple(values.shape), properties)
        for index in np.ndindex(values.shape[:2]) if change is foreign else []:
            data.write_direct_chunk(index + (0,) * (values.ndim - 2), values[index].astype("<f4").tobytes())

    return write


def foreign(properties):
    properties.set_filter(32001, h5z.FLAG_OPTIONAL, (2, 2, 4, 4096))


def references(group, name, values):
    group.create_dataset(name, data=np.full(values.shape, group.ref, dtype=h5py.ref_dtype))


def through_a_link(group, name, values):
    group.file["other"] = h5py.ExternalLink("whole.data", "/")
    group[name] = h5py.SoftLink(f"/other/{TRACER}")


def change(source, target, edit):
    copy(source, target)
    with h5py.File(target, "r+") as file:
        edit(file)


def fields(file):
    return [file[group][name] for group in ("t0_fields", "t1_fields") for name in file[group]]


def repeat(file):
    for field in fields(file):
        field[0, 8] = field[0, 7]


def early_end(file):
    for field in fields(file):
        field[1, 20:] = field[1, 19:20]


def freeze(file):
    file[TRACER][0, 10:15] = file[TRACER][0, 9]


def main():
    source, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    for kind in ("good", "bad", "odd"):
        (folder / kind).mkdir(parents=True)
    os.chdir(folder / "good")
    copy(source, "contiguous.hdf5")
    copy(source, "lzf.hdf5", with_options(compression="lzf"))
    copy(source, "lzf_shuffle.hdf5", with_options(compression="lzf", shuffle=True, fletcher32=True))
    copy(source, "gzip_checksum.hdf5", with_options(compression="gzip", fletcher32=True))
    copy(source, "big_endian.hdf5", as_type(">f4"))
    copy(source, "double_big_endian.hdf5", as_type(">f8"))
    copy(source, "resizable.hdf5", with_options(maxshape=None))
    plain = lambda group, name, values: group.create_dataset(name, data=values)
    for kind, value in [("zeros", 0.0), ("fill_value", 0.5)]:
        copy(source, f"written_{kind}.hdf5", corner(value, plain))
        copy(source, f"unwritten_{kind}.hdf5", corner(value, unwritten(value)))
    copy(source, "soft_link.hdf5", soft)
    copy(source, "new_format.hdf5", libver="latest")
    copy(source, "user_block.hdf5", userblock_size=1024)
    copy(source, "half_rounded.hdf5", as_type("f2"))
    copy(source, "half_expected.hdf5", lambda group, name, values: group.create_dataset(name, data=values.astype("f2").astype("f4")))

    os.chdir(folder / "bad")
    copy(source, "whole.data")
    copy(source, "gzip.data", with_options(compression="gzip"))
    os.mkfifo("pipe.data")
    for name, target in [("link_plain", "whole.data"), ("link_gzip", "gzip.data"), ("link_pipe", "pipe.data"), ("link_nowhere", "none.data")]:
        copy(source, f"{name}.hdf5", only_tracer(external_link(target)))
    copy(source, "soft_to_link.hdf5", only_tracer(through_a_link))
    copy(source, "soft_to_nothing.hdf5", only_tracer(lambda group, name, values: group.__setitem__(name, h5py.SoftLink("/none"))))
    copy(source, "virtual.hdf5", only_tracer(virtual))
    copy(source, "external_storage.hdf5", only_tracer(external_storage))
    copy(source, "references.hdf5", only_tracer(references))
    copy(source, "filter.hdf5", only_tracer(low_level(foreign)))
    copy(source, "no_fill_value.hdf5", only_tracer(low_level(lambda properties: properties.set_fill_time(h5d.FILL_TIME_NEVER))))

    os.chdir(folder / "odd")
    change(source, "repeated.hdf5", repeat)
    change(source, "ended.hdf5", early_end)
    change(source, "frozen.hdf5", freeze)
    copy(source, "shear_flow_Reynolds_1e9.hdf5")


main()
