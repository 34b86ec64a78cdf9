//! Windows, and the order in which pretraining sees them.

use physrep_benchmarks::Split;
use physrep_benchmarks::packed::{Window, WindowOrder};

use crate::support::{packed, suite};

#[test]
fn windows_are_counted_as_the_paper_counts_them() {
    // 9 frames, 4 of a window: starts 0..=5; the strides are 1, 2 and 3; 18, 6 and 12 trajectories.
    let (_folder, packed) = packed();
    let plan = &suite().window;
    let counts = Split::ALL.map(|split| packed.windows(split, plan).len());
    assert_eq!(counts, [18 * 6, 6 * 3, 12 * 2, 0]);
    assert_eq!(
        packed.windows(Split::Test, plan)[..3],
        [Window { trajectory: 24, start: 0 }, Window { trajectory: 24, start: 3 }, Window { trajectory: 25, start: 0 },]
    );
    for split in Split::ALL {
        for window in packed.windows(split, plan) {
            assert!(packed.header().splits[split].contains(&window.trajectory));
            assert!(window.start + plan.frames() <= packed.header().frames);
        }
    }
}

#[test]
fn a_trajectory_shorter_than_a_window_has_none() {
    let (_folder, packed) = packed();
    let mut plan = suite().window;
    plan.context = 8;
    assert!(packed.windows(Split::Train, &plan).is_empty());
}

#[test]
fn every_epoch_is_a_permutation_of_its_own() {
    let n = 101;
    let mut order = WindowOrder::new(3, n);
    let epochs: Vec<Vec<usize>> =
        (0..3).map(|e| (0..n as u64).map(|i| order.window(e * n as u64 + i)).collect()).collect();
    for epoch in &epochs {
        let mut sorted = epoch.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..n).collect::<Vec<_>>());
    }
    assert_ne!(epochs[0], epochs[1]);
    assert_ne!(epochs[1], epochs[2]);
    assert_ne!(WindowOrder::new(4, n).window(0), epochs[0][0]);
}

#[test]
fn the_order_resumes_from_a_single_number() {
    let (seed, n) = (11, 37);
    let mut whole = WindowOrder::new(seed, n);
    let all: Vec<_> = (0..150).map(|i| whole.window(i)).collect();
    for restart in [0, 1, 36, 37, 38, 100] {
        let mut rest = WindowOrder::new(seed, n);
        let found: Vec<_> = (restart..150).map(|i| rest.window(i)).collect();
        assert_eq!(found, all[restart as usize..]);
    }
    assert_eq!(whole.window(5), all[5], "an earlier epoch can be asked for again");
}

/// Numbers that must never change, or an interrupted run would resume with other data.
#[test]
fn the_order_is_what_it_has_always_been() {
    let mut order = WindowOrder::new(2603, 1000);
    let found: Vec<_> = [0, 1, 2, 999, 1000].map(|i| order.window(i)).into();
    assert_eq!(found, [464, 380, 668, 982, 669]);
}
