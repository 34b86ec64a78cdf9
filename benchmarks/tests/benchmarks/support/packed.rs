//! Packed data of the test's suite.

use std::path::Path;

use physrep_benchmarks::generate::generate;
use physrep_benchmarks::packed::{Packed, pack};
use physrep_benchmarks::{PerSplit, Result, Split};
use tempfile::TempDir;

use super::waves::{Waves, suite};

/// Generated and packed data of the test's suite, in a folder that lives as long as the first value.
pub fn packed() -> (TempDir, Packed) {
    let folder = tempfile::tempdir().unwrap();
    generate(&suite(), &Waves::default(), folder.path(), 2, &()).unwrap();
    let packed = pack_into(folder.path()).unwrap();
    (folder, packed)
}

/// Packs the data of the test's suite in `folder`.
pub fn pack_into(folder: &Path) -> Result<Packed> {
    pack(&suite(), &Waves::default(), folder, &folder.join("waves.pack"), &())
}

/// All clips of a split at stride 1, one after the other.
pub fn every_window(packed: &Packed, split: Split) -> Vec<f32> {
    let mut plan = suite().window;
    plan.stride = PerSplit { train: 1, valid: 1, test: 1, held_out: 0 };
    let mut clip = vec![0.0; packed.clip_len(plan.frames())];
    let mut values = Vec::new();
    for window in packed.windows(split, &plan) {
        packed.clip(window, plan.frames(), &mut clip).unwrap();
        values.extend_from_slice(&clip);
    }
    values
}
