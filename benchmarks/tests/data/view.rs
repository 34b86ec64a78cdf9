//! What methods see of a frame: crops, resizing, raw values, held-out trajectories.

use physrep_benchmarks::Split;
use physrep_benchmarks::generate::generate;
use physrep_benchmarks::packed::CropResize;
use physrep_benchmarks::packed::Packed;
use physrep_benchmarks::packed::Window;
use physrep_benchmarks::packed::pack;
use physrep_benchmarks::suite::Suite;
use physrep_benchmarks::systems::{Boundary, DomainAxis, Points, System};

use crate::system::{SUITE, Waves, planned};

/// The test's suite on a grid of 4 x 5 points with the given view.
fn view(settings: &str) -> CropResize {
    let text = SUITE.replace("[8, 12]", "[4, 5]").replacen("dt = 0.1", &format!("dt = 0.1\n{settings}"), 1);
    CropResize::of(&Suite::parse(&text, "test").unwrap().systems[0])
}

fn seen(settings: &str) -> Vec<f32> {
    let frame: Vec<f32> =
        (0..4).flat_map(|i| (0..5).map(move |j| f32::from((i * i * 7 + j * 3) as u8 % 11) / 4.0)).collect();
    let mut out = Vec::new();
    view(settings).push(&frame, &mut out);
    out
}

/// The expected values are those of PyTorch 2's `interpolate(..., mode="bilinear", align_corners=False)`.
#[test]
fn resizing_is_that_of_the_papers_code() {
    let coarser = [
        0.385417, 1.151042, 1.802083, 0.734375, 1.71875, 1.625, 0.84375, 1.78125, 1.723958, 0.484375, 1.135417,
        2.072917,
    ];
    let finer = [
        0.0, 0.5625, 1.1875, 1.8125, 1.75, 0.25, 0.625, 1.1875, 1.239583, 1.455357, 1.638393, 0.875, 1.625, 2.1875,
        1.322917, 0.883928, 1.459821, 1.875, 1.625, 2.1875, 1.208333, 0.6875, 1.3125, 1.875, 1.535714, 1.950892,
        1.037202, 0.598214, 1.223214, 1.785714, 1.821429, 1.058035, 0.668155, 0.883929, 1.508929, 2.071429, 2.0, 0.5,
        0.4375, 1.0625, 1.6875, 2.25,
    ];
    for (settings, expected) in [("resize = [3, 4]", coarser.as_slice()), ("resize = [7, 6]", &finer)] {
        let found = seen(settings);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 2e-6, "{settings}: {found} {expected}");
        }
    }
}

#[test]
fn a_crop_keeps_the_named_points_and_opens_its_axis() {
    assert_eq!(seen("crop = [[1, 3], [0, 5]]"), [1.75, 2.5, 0.5, 1.25, 2.0, 1.5, 2.25, 0.25, 1.0, 1.75]);
    assert_eq!(seen("crop = [[3, 4], [1, 3]]"), [0.0, 0.75]);
    let axis = |points| DomainAxis { name: "x".into(), start: 1.0, length: 2.0, boundary: Boundary::Periodic, points };
    let uniform = axis(Points::Uniform);
    let cropped = view("crop = [[1, 3], [0, 5]]");
    assert_eq!(cropped.coordinates(0, &uniform), [1.5, 2.0]);
    assert_eq!(cropped.boundary(0, &uniform), Boundary::Open);
    assert_eq!(cropped.boundary(1, &uniform), Boundary::Periodic);

    // Two of four points: each lies between two of the old ones, wherever these are.
    let halved = view("resize = [2, 5]");
    let chebyshev = axis(Points::ChebyshevGauss);
    let old = chebyshev.coordinates(4);
    assert_eq!(halved.coordinates(0, &chebyshev), [(old[0] + old[1]) / 2.0, (old[2] + old[3]) / 2.0]);
    assert_eq!(halved.boundary(0, &chebyshev), Boundary::Periodic);
}

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
