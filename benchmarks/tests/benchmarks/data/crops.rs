//! Packed data of a suite that crops, does not normalise, or holds parameters out.

use physrep_benchmarks::generate::generate;
use physrep_benchmarks::packed::{Packed, Window, pack};
use physrep_benchmarks::suite::Suite;
use physrep_benchmarks::systems::System;
use physrep_benchmarks::{Regime, Split};

use crate::support::{SUITE, Waves, held_out, planned};

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
    let ((_one, many), (_two, few)) = (packed(&held_out(6)), packed(&held_out(1)));
    let (_three, none) = packed(&Suite::parse(SUITE, "test").unwrap());
    let (many, few, none) = (many.header(), few.header(), none.header());
    assert_eq!(many.channels, few.channels);
    assert_eq!(many.scalings, few.scalings);
    assert_eq!(many.trajectories[..36], few.trajectories[..36]);
    assert_eq!((&many.splits[Split::HeldOut], &few.splits[Split::HeldOut]), (&(36..54), &(36..39)));
    let regimes: Vec<Option<Regime>> = many.trajectories.iter().map(|trajectory| trajectory.regime).collect();
    assert_eq!(regimes[..36], [None; 36]);
    for (of_regime, regime) in regimes[36..].chunks(6).zip(Regime::ALL) {
        assert_eq!(of_regime, [Some(regime); 6]);
    }
    assert!(many.trajectories[36..].iter().all(|trajectory| trajectory.file.contains("/held_out/")));
    assert!(many.splits().eq(Split::ALL) && none.splits().eq([Split::Train, Split::Valid, Split::Test]));
}
