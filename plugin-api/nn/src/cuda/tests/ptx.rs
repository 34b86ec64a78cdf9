//! The committed PTX belongs to the sources.

use sha2::{Digest, Sha256};

use crate::cuda::emulation::library::sources;
use crate::cuda::emulation::ptx::COMMITTED;

#[test]
fn the_committed_ptx_was_made_from_these_sources() {
    let mut hash = Sha256::new();
    for file in sources(&["cu", "cuh"]) {
        hash.update(std::fs::read(file).unwrap());
    }
    let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    for ptx in COMMITTED {
        assert_eq!(ptx.lines().next().unwrap(), format!("// sources: {hash}"), "run tools/ptx");
    }
}
