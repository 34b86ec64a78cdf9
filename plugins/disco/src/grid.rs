//! Default sizes for a grid: the encoder's patch and the operator's levels.

/// The smallest number of points along each side of the operator's coarsest grid, and of patches along each side of the
/// encoder's.
const FEWEST: usize = 4;

/// The largest patch of 16, 8 and 4 that divides both sides and leaves four patches along each; 4 if none leaves so many,
/// `None` if 4 does not divide them.
pub fn patch([height, width]: [usize; 2]) -> Option<usize> {
    let divides = |patch: usize| height.is_multiple_of(patch) && width.is_multiple_of(patch);
    let suits = |patch: usize| divides(patch) && height.min(width) >= FEWEST * patch;
    [16, 8, 4].into_iter().find(|&patch| suits(patch)).or(divides(4).then_some(4))
}

/// The largest number of levels, up to four, at which both sides can be halved and keep four points.
pub fn levels([height, width]: [usize; 2]) -> usize {
    let fits = |levels: usize| {
        let multiple = 1 << levels;
        height.is_multiple_of(multiple) && width.is_multiple_of(multiple) && height.min(width) >= FEWEST * multiple
    };
    (0..=4).rev().find(|&levels| fits(levels)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{levels, patch};

    #[test]
    fn the_paper_s_grids_get_the_paper_s_sizes_and_small_ones_less() {
        for (grid, expected_patch, expected_levels) in [
            ([224, 224], Some(16), 4),
            ([512, 128], Some(16), 4),
            ([64, 64], Some(16), 4),
            ([32, 64], Some(8), 3),
            ([16, 16], Some(4), 2),
            ([8, 8], Some(4), 1),
            ([12, 20], Some(4), 1),
            ([30, 32], None, 1),
        ] {
            assert_eq!((patch(grid), levels(grid)), (expected_patch, expected_levels), "{grid:?}");
        }
    }
}
