//! The time loop of the active-matter solver allocates nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use physrep_benchmarks::system::Resolution;
use physrep_benchmarks::systems::SolverError;
use physrep_benchmarks::systems::active_matter::{ActiveMatter, simulate};

thread_local! {
    /// Of this thread: the test harness allocates now and then on its own.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
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
    let resolution = Resolution { solve: [24, 24], store: [16, 16] };
    let mut counts = [0; 12];
    simulate::<SolverError>(&ActiveMatter::new(1.0, -1.0), 0, &resolution, counts.len(), 0.2, |index, _| {
        counts[index] = ALLOCATIONS.get();
        Ok(())
    })
    .unwrap();
    assert!(counts[0] > 0, "the counter does not count");
    assert_eq!(counts[1], counts[11], "allocations by frame: {counts:?}");
}
