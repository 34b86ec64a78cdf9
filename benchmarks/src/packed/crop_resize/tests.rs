//! Crops and resizing against PyTorch, and by hand.

use super::*;
use crate::suite::Suite;
use crate::systems::Points;

/// A suite with one system on a grid of 4 x 5 points.
const SUITE: &str = r#"
name = "crops"
version = 1
seed = 7
seeds = [0]
window = { context = 1, future = 1, stride = { train = 1, valid = 1, test = 1 } }
pretrain = { samples = 1, batch = 1 }
probe.attentive = { epochs = 1, batch = 1, lr = 1e-3, weight_decay = 0.01 }

[[system]]
name = "shear_flow"
store = [4, 5]
frames = 9
dt = 0.1
parameters = [{ name = "Reynolds", values = [100, 2000] }]
"#;

/// The suite's view with the given settings.
fn view(settings: &str) -> CropResize {
    let text = SUITE.replacen("dt = 0.1", &format!("dt = 0.1\n{settings}"), 1);
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
