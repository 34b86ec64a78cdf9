//! The time loop of the Rayleigh-Benard solver allocates nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use physrep_benchmarks::system::Resolution;
use physrep_benchmarks::systems::SolverError;
use physrep_benchmarks::systems::rayleigh_benard::{RayleighBenard, simulate};

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn after_the_first_step_nothing_is_allocated() {
    let flow = RayleighBenard { rayleigh: 1e5, prandtl: 1.0, delta: 0.6, seed: 1 };
    let resolution = Resolution { solve: [32, 24], store: [24, 16] };
    let mut counts = [0; 12];
    simulate::<SolverError>(&flow, &resolution, counts.len(), 0.2, |index, _| {
        counts[index] = ALLOCATIONS.load(Ordering::Relaxed);
        Ok(())
    })
    .unwrap();
    assert!(counts[0] > 0, "the counter does not count");
    assert_eq!(counts[1], counts[11], "allocations by frame: {counts:?}");
}
