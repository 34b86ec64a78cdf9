//! What suits a grid: the patch of the encoder, and how often the operator halves it.

/// Points that the coarsest grid of the operator, and patches that the encoder's map, should have along each side.
const FEWEST: usize = 4;

/// The largest patch of 16, 8 and 4 that divides both sides and leaves four patches along each; 4 where none leaves so
/// many, `None` where 4 does not divide them.
pub fn patch([height, width]: [usize; 2]) -> Option<usize> {
    let divides = |patch: usize| height.is_multiple_of(patch) && width.is_multiple_of(patch);
    let suits = |patch: usize| divides(patch) && height.min(width) >= FEWEST * patch;
    [16, 8, 4].into_iter().find(|&patch| suits(patch)).or(divides(4).then_some(4))
}

/// The most halvings, up to four, that come out even and leave four points along each side.
pub fn levels([height, width]: [usize; 2]) -> usize {
    let comes_out = |levels: usize| {
        let multiple = 1 << levels;
        height.is_multiple_of(multiple) && width.is_multiple_of(multiple) && height.min(width) >= FEWEST * multiple
    };
    (0..=4).rev().find(|&levels| comes_out(levels)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{levels, patch};

    #[test]
    fn the_papers_grids_get_the_papers_sizes_and_small_ones_less() {
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
