//! Tubelets: which pixels a token covers, and the default patch of each resolution.

use physrep_plugin_api::candle_core::{Device, Tensor};

use super::support::values;
use crate::grid::Grid;

#[test]
fn every_pixel_is_in_its_place() {
    let (batch, channels, frames, height, width) = (2, 3, 4, 6, 9);
    let grid = Grid::new(frames, [height, width], 2, Some(3)).unwrap();
    let count = batch * channels * frames * height * width;
    let clips = Tensor::arange(0f64, count as f64, &Device::Cpu).unwrap();
    let clips = clips.reshape((batch, channels, frames, height, width)).unwrap();
    let cut = grid.cut(&clips).unwrap();
    assert_eq!(cut.dims(), [batch * 12, channels * 18]);
    let mut expected = Vec::new();
    for b in 0..batch {
        for (slot, row, column) in (0..2).flat_map(|t| (0..2).flat_map(move |h| (0..3).map(move |w| (t, h, w)))) {
            for c in 0..channels {
                for (t, h, w) in (0..2).flat_map(|t| (0..3).flat_map(move |h| (0..3).map(move |w| (t, h, w)))) {
                    let (t, h, w) = (2 * slot + t, 3 * row + h, 3 * column + w);
                    expected.push(((((b * channels + c) * frames + t) * height + h) * width + w) as f64);
                }
            }
        }
    }
    assert_eq!(values(&cut), expected);
}

#[test]
fn the_patch_follows_the_resolution() {
    let sizes =
        [([224, 224], 16), ([256, 512], 16), ([128, 64], 8), ([64, 32], 4), ([32, 32], 4), ([16, 16], 2), ([8, 4], 1)];
    for (size, patch) in sizes {
        let grid = Grid::new(16, size, 2, None).unwrap();
        assert_eq!(grid.tubelet(), [2, patch, patch], "{size:?}");
    }
    assert_eq!(Grid::new(16, [224, 224], 2, None).unwrap().tokens(), 1568);
}

#[test]
fn sizes_that_do_not_fit_are_refused_with_those_that_do() {
    let refuse = |frames, size, tubelet, patch, reason: &str| {
        let error = Grid::new(frames, size, tubelet, patch).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    };
    refuse(16, [24, 36], 2, Some(16), "`patch` (=16) must divide both sides of 24x36 points: 1, 2, 3, 4, 6, 12 do");
    refuse(
        16,
        [70, 140],
        2,
        None,
        "`patch` (=8, chosen for this resolution) must divide both sides of 70x140 points: 1, 2, 5, ",
    );
    refuse(16, [24, 36], 2, Some(0), "`patch` (=0)");
    refuse(15, [32, 32], 2, None, "`tubelet` (=2) must divide the 15 frames of a clip: 1, 3, 5, 15 do");
    refuse(16, [32, 32], 0, None, "`tubelet` (=0)");
    refuse(0, [32, 32], 2, None, "nothing to encode");
}
