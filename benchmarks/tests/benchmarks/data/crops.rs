//! Packed data of a suite that crops, does not normalise, or holds parameters out.

use physrep_benchmarks::Split;
use physrep_benchmarks::generate::generate;
use physrep_benchmarks::packed::{Packed, Window, pack};
use physrep_benchmarks::suite::Suite;
use physrep_benchmarks::systems::System;

use crate::support::{SUITE, Waves, planned};

fn packed(suite: &Suite) -> (tempfile::TempDir, Packed) {
    let folder = tempfile::tempdir().unwrap();
    generate(suite, &Waves::default(), folder.path(), 2, &()).unwrap();
    let packed = pack(suite, &Waves::default(), folder.path(), &folder.path().join("waves.pack"), &()).unwrap();
    (folder, packed)
}

#[test]
fn a_suite_that_does_not_normalise_packs_the_fields_as_they_are() {
    let text = SUITE.replacen("seed = 7", "seed = 7\nnormalise = false", 1);
    let suite = Suite::parse(&text.replacen("dt = 0.1", "dt = 0.1\ncrop = [[2, 7], [1, 4]]", 1), "test").unwrap();
    let (_folder, packed) = packed(&suite);
    assert_eq!(packed.header().grid(), [5, 3]);
    let mut clip = vec![f32::NAN; packed.clip_len(1)];
    packed.clip(Window { trajectory: 4, start: 2 }, 1, &mut clip).unwrap();
    let [xs, ys] = [0, 1].map(|i| packed.header().axes[i].coordinates.clone());
    assert_eq!(xs, Waves::default().axes()[0].coordinates(8)[2..7]);
    let case = &planned(&suite)[4].case;
    let mut values = clip.iter();
    for channel in 0..4 {
        for &x in &xs {
            for &y in &ys {
                assert_eq!(*values.next().unwrap(), Waves::value(channel, case, [x, y], 0.2));
            }
        }
    }
}

#[test]
fn held_out_trajectories_are_packed_last_and_do_not_touch_statistics_or_scaling() {
    let text = SUITE
        .replacen("[0.1, 1, 2]", "[0.1, 1, 2], held_out = [0.05, 0.5]", 1)
        .replacen("test = 2 }", "test = 2, held_out = 4 }", 1)
        .replacen("test = 3 }", "test = 3, held_out = 1 }", 1);
    let (_one, with) = packed(&Suite::parse(&text, "test").unwrap());
    let (_two, without) = packed(&Suite::parse(SUITE, "test").unwrap());
    let (with, without) = (with.header(), without.header());
    assert_eq!(with.channels, without.channels);
    assert_eq!(with.scalings, without.scalings);
    assert_eq!(with.trajectories[..36], without.trajectories[..]);
    assert_eq!(with.splits[Split::HeldOut], 36..52);
    for trajectory in &with.trajectories[36..] {
        assert!(trajectory.file.contains("held_out"), "{}", trajectory.file);
        assert!([0.05, 0.5].contains(&trajectory.raw[1]));
    }
    assert!(with.splits().eq(Split::ALL) && without.splits().eq([Split::Train, Split::Valid, Split::Test]));
}
