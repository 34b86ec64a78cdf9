//! No solver's time loop allocates memory.

use std::alloc::{GlobalAlloc, Layout, System as SystemAllocator};
use std::cell::Cell;

use physrep_benchmarks::systems;
use physrep_benchmarks::systems::{Case, Frame, Resolution};

thread_local! {
    /// Of this thread: the test harness allocates now and then on its own.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps the promises that the system's allocator asks for.
        unsafe { SystemAllocator.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above; `pointer` comes from `alloc`, which got it from the same allocator.
        unsafe { SystemAllocator.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations up to each frame of a short run.
fn counts(name: &str, parameters: [f64; 2], initial: &[f64]) -> [usize; 6] {
    let system = systems::named(name).unwrap();
    let constants: Vec<f64> = system.constants().iter().map(|constant| constant.default).collect();
    let case = Case { parameters: parameters.to_vec(), initial: initial.to_vec() };
    let resolution = Resolution { solve: [32, 32], store: [24, 16] };
    let mut counts = [0; 6];
    let mut index = 0;
    let mut on_frame = |_: &Frame<'_>| {
        counts[index] = ALLOCATIONS.get();
        index += 1;
        Ok(())
    };
    system.simulate(&constants, &case, &resolution, 6, 0.2, &mut on_frame).unwrap();
    counts
}

#[test]
fn after_the_first_frames_nothing_is_allocated() {
    let runs = [
        ("active_matter", [1.0, -1.0], &[0.0][..]),
        ("shear_flow", [500.0, 1.0], &[2.0, 3.0, 1.0]),
        ("rayleigh_benard", [1e5, 1.0], &[0.6, 40.0]),
    ];
    assert!(systems::names().all(|name| runs.iter().any(|run| run.0 == name)), "every system must be here");
    for (name, parameters, initial) in runs {
        let counts = counts(name, parameters, initial);
        assert!(counts[0] > 0, "the counter does not count");
        assert_eq!(counts[1], counts[5], "{name}: allocations up to each frame: {counts:?}");
    }
}
