//! No solver's time loop allocates memory.

use std::alloc::{GlobalAlloc, Layout, System as SystemAllocator};
use std::cell::Cell;

use physrep_benchmarks::suite::{Suite, trajectories};
use physrep_benchmarks::systems::{self, Frame, System};

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

/// Allocations up to each frame of a short run of the first trajectory that suite `tiny` has of a system.
fn counts(suite: &Suite, system: &dyn System) -> [usize; 6] {
    let (section, generation) = suite.generation(system).unwrap();
    let case = &trajectories(section, generation, suite.data_seed())[0].case;
    let mut counts = [0; 6];
    let mut index = 0;
    let mut on_frame = |_: &Frame<'_>| {
        counts[index] = ALLOCATIONS.get();
        index += 1;
        Ok(())
    };
    let constants = section.constants(system);
    system.simulate(&constants, case, &section.resolution(generation), 6, section.dt, &mut on_frame).unwrap();
    counts
}

#[test]
fn after_the_first_frames_nothing_is_allocated() {
    let suite = Suite::load("tiny").unwrap();
    for name in systems::names() {
        let counts = counts(&suite, systems::named(name).unwrap());
        assert!(counts[0] > 0, "the counter does not count");
        assert_eq!(counts[1], counts[5], "{name}: allocations up to each frame: {counts:?}");
    }
}
