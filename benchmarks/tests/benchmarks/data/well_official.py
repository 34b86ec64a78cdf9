"""Compares what the_well.data.WellDataset gives with the packed file's windows of 4 frames, start by start."""

import sys
from pathlib import Path

import h5py
import numpy as np
import torch
from the_well.data import WellDataset
from the_well.data.normalization import ZScoreNormalization

base = Path(sys.argv[1])
said = []
for split in ["train", "valid", "test"]:
    common = dict(well_base_path=str(base), well_dataset_name="shear_flow", well_split_name=split,
                  n_steps_input=2, n_steps_output=2)
    raw = WellDataset(use_normalization=False, **common)
    normalised = WellDataset(use_normalization=True, normalization_type=ZScoreNormalization, **common)
    ours = np.fromfile(base / split, dtype="<f4").reshape(-1, 4, 4, 8, 12)
    assert len(raw) == len(normalised) == len(ours), (len(raw), len(normalised), len(ours))
    assert raw.metadata.field_names[0] == ["tracer", "pressure"], raw.metadata.field_names
    assert raw.metadata.field_names[1] == ["velocity_x", "velocity_y"], raw.metadata.field_names
    assert raw.metadata.constant_scalar_names == ["Reynolds", "Schmidt"], raw.metadata

    files = sorted((base / "shear_flow/data" / split).glob("*.hdf5"))
    at = 0
    for path in files:
        with h5py.File(path) as f:
            scalars = [f["t0_fields/tracer"][:], f["t0_fields/pressure"][:]]
            fields = np.concatenate([np.stack(scalars, axis=-1), f["t1_fields/velocity"][:]], axis=-1)
            re, sc = f.attrs["Reynolds"], f.attrs["Schmidt"]
            x, y = f["dimensions/x"][:], f["dimensions/y"][:]
        assert np.allclose(x, np.arange(8) / 8) and np.allclose(y, -1 + 2 * np.arange(12) / 12)
        for trajectory in fields:
            for start in range(9 - 4 + 1):
                item, scaled = raw[at], normalised[at]
                clip = torch.cat([item["input_fields"], item["output_fields"]]).numpy()
                assert np.array_equal(clip, trajectory[start:start + 4])
                assert np.allclose(item["constant_scalars"], [re, sc])
                assert (item["boundary_conditions"] == 2).all(), item["boundary_conditions"]
                clip = torch.cat([scaled["input_fields"], scaled["output_fields"]]).permute(3, 0, 1, 2).numpy()
                assert np.array_equal(clip, ours[at]), np.abs(clip - ours[at]).max()
                at += 1
    assert at == len(ours)
    said.append(f"{split} {at} windows")
print(", ".join(said))
