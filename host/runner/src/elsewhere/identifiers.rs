//! Identifiers of windows, which say nothing of them.

use physrep_benchmarks::packed::{Packed, Window};
use physrep_records::SuiteFacts;

/// What the identifiers are derived for.
const PURPOSE: &str = "physrep-bench 1 identifiers of windows";

/// The identifiers of `windows`: numbers of 63 bits, hashes of suite, data, trajectory and start. On another suite, another draw or other
/// data, all are others.
pub(super) fn identifiers(suite: &SuiteFacts, data: &Packed, windows: &[Window]) -> Vec<i64> {
    let mut of_data = blake3::Hasher::new_derive_key(PURPOSE);
    for key in [suite.checksum.as_str(), &data.header().system, &data.header().checksum] {
        of_data.update(&(key.len() as u64).to_le_bytes()).update(key.as_bytes());
    }
    let identifier = |window: &Window| {
        let mut hasher = of_data.clone();
        hasher.update(&(window.trajectory as u64).to_le_bytes()).update(&(window.start as u64).to_le_bytes());
        let mut bytes = [0; 8];
        hasher.finalize_xof().fill(&mut bytes);
        // Not every program reads unsigned numbers of 64 bits.
        (u64::from_le_bytes(bytes) >> 1) as i64
    };
    windows.iter().map(identifier).collect()
}
