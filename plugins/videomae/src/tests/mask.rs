//! Tube masks: their size, the same in all time slots, different for each sample.

use physrep_plugin_api::{DType, Device, nn::Rng};

use super::support::{normal, params, small, values};
use crate::{
    grid::Grid,
    mask::{Selection, TubeMask},
    model::{Model, Parts},
};

fn grid() -> Grid {
    Grid::new(6, [16, 24], 2, Some(4)).unwrap()
}

fn draw(seed: u64) -> TubeMask {
    TubeMask::draw(&grid(), 5, 17, &mut Rng::new(seed, "mask", 0), &Device::Cpu).unwrap()
}

fn tokens(selection: &Selection) -> Vec<Vec<u32>> {
    selection.tokens().unwrap().to_vec2().unwrap()
}

#[test]
fn hidden_and_visible_tokens_are_tubes_and_together_all_tokens() {
    let (patches, slots) = (24, 3);
    let mask = draw(1);
    let (hidden, visible) = (tokens(&mask.hidden), tokens(&mask.visible));
    assert_eq!((mask.hidden.per_sample(), mask.visible.per_sample()), (17 * slots, 7 * slots));
    for (hidden, visible) in hidden.iter().zip(&visible) {
        let mut all = [hidden.as_slice(), visible].concat();
        all.sort();
        assert_eq!(all, (0..(patches * slots) as u32).collect::<Vec<_>>());
        for tokens in [hidden, visible] {
            let slot = |slot: u32| -> Vec<u32> {
                let mut places: Vec<u32> =
                    tokens.iter().filter(|&t| t / patches as u32 == slot).map(|t| t % patches as u32).collect();
                places.sort();
                places
            };
            assert!(slot(0) == slot(1) && slot(1) == slot(2));
        }
    }
}

#[test]
fn samples_and_seeds_differ_and_the_same_seed_gives_the_same() {
    let (first, again, other) = (tokens(&draw(1).hidden), tokens(&draw(1).hidden), tokens(&draw(2).hidden));
    assert_eq!(first, again);
    assert_ne!(first, other);
    for pair in first.windows(2) {
        assert_ne!(pair[0], pair[1]);
    }
}

/// Each patch is hidden as often as every other: over 2000 masks, 17 / 24 of the time, within 5 standard deviations.
#[test]
fn no_patch_is_preferred() {
    let mask = TubeMask::draw(&grid(), 2000, 17, &mut Rng::new(9, "mask", 0), &Device::Cpu).unwrap();
    let mut times = [0; 24];
    for token in tokens(&mask.hidden).concat().into_iter().filter(|t| *t < 24) {
        times[token as usize] += 1;
    }
    let fraction = 17f64 / 24.0;
    let (expected, deviation) = (2000.0 * fraction, (2000.0 * fraction * (1.0 - fraction)).sqrt());
    for times in times {
        assert!((f64::from(times) - expected).abs() < 5.0 * deviation, "{times} for {expected}");
    }
}

#[test]
fn selected_rows_are_each_samples_own() {
    let mask = draw(4);
    let table = normal(&[5 * 72, 3], DType::F64, 2);
    let rows = mask.hidden.by_sample(&mask.hidden.rows_of(&table).unwrap()).unwrap();
    let by_position = mask.hidden.positions_of(&table.narrow(0, 0, 72).unwrap()).unwrap();
    let table = table.to_vec2::<f64>().unwrap();
    let mut positions = values(&by_position).into_iter();
    for (sample, (rows, tokens)) in rows.to_vec3::<f64>().unwrap().into_iter().zip(tokens(&mask.hidden)).enumerate() {
        for (row, token) in rows.into_iter().zip(tokens) {
            assert_eq!(row, table[sample * 72 + token as usize]);
            assert_eq!(positions.by_ref().take(3).collect::<Vec<_>>(), table[token as usize]);
        }
    }
}

/// As upstream: rounded down.
#[test]
fn the_ratio_counts_whole_patches() {
    for (ratio, hidden) in [(0.9, 14), (0.75, 12), (0.94, 15), (0.0625, 1)] {
        let model = Model::new(Parts { mask_ratio: ratio, ..small() }, params(DType::F32, 0));
        let clips = normal(&[1, 2, 8, 16, 16], DType::F32, 0);
        let mask = model.unwrap().mask(1, &mut Rng::new(0, "mask", 0), &clips).unwrap();
        assert_eq!(mask.hidden.per_sample(), 4 * hidden, "{ratio}");
    }
}
