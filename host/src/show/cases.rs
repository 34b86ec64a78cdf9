//! The sets of parameters that a picture shows: the corners and the middle of their grid.

/// Indices of the sets nearest to the corners and the middle of the grid that the sets span, in the order of that grid, without
/// duplicates. With more than two parameters, only the lowest and the highest corner.
pub(super) fn corners_and_middle(sets: &[Vec<f64>]) -> Vec<usize> {
    let parameters = sets.first().map_or(0, Vec::len);
    let positions = positions(sets, parameters);
    let mut targets = match parameters {
        1 | 2 => (0..1 << parameters).map(|corner| digits(corner, parameters)).collect(),
        _ => vec![vec![0.0; parameters], vec![1.0; parameters]],
    };
    targets.insert(targets.len() / 2, vec![0.5; parameters]);
    let mut selected: Vec<usize> = Vec::new();
    for target in targets {
        let distance = |set: usize| positions[set].iter().zip(&target).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        let nearest = (0..sets.len()).min_by(|&a, &b| distance(a).total_cmp(&distance(b)));
        selected.extend(nearest.filter(|set| !selected.contains(set)));
    }
    selected
}

/// Each set's position in the grid, from 0 to 1 along each parameter's distinct values.
fn positions(sets: &[Vec<f64>], parameters: usize) -> Vec<Vec<f64>> {
    let ranks: Vec<Vec<f64>> = (0..parameters)
        .map(|p| {
            let mut values: Vec<f64> = sets.iter().map(|set| set[p]).collect();
            values.sort_by(f64::total_cmp);
            values.dedup();
            values
        })
        .collect();
    let position = |set: &Vec<f64>| {
        let along = |(value, values): (&f64, &Vec<f64>)| match values.len() {
            1 => 0.5,
            n => values.partition_point(|v| v < value) as f64 / (n - 1) as f64,
        };
        set.iter().zip(&ranks).map(along).collect()
    };
    sets.iter().map(position).collect()
}

/// The corner's coordinates; the first parameter varies slowest.
fn digits(corner: usize, parameters: usize) -> Vec<f64> {
    (0..parameters).rev().map(|p| ((corner >> p) & 1) as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corners_and_the_middle_in_the_order_of_the_grid() {
        let sets: Vec<_> =
            [1.0, 10.0, 100.0].iter().flat_map(|&a| [0.1, 1.0, 7.0, 9.0, 20.0].map(|b| vec![a, b])).collect();
        assert_eq!(corners_and_middle(&sets), [0, 4, 7, 10, 14]);
        let line: Vec<_> = (0..9).map(|a| vec![f64::from(a)]).collect();
        assert_eq!(corners_and_middle(&line), [0, 4, 8]);
    }

    #[test]
    fn few_sets_are_each_shown_once() {
        assert_eq!(corners_and_middle(&[vec![5.0, 5.0]]), [0]);
        assert_eq!(corners_and_middle(&[vec![5.0, 5.0], vec![5.0, 6.0]]), [0, 1]);
        assert_eq!(corners_and_middle(&[]), [0; 0]);
        let cube: Vec<_> = (0..8).map(|c| digits(c, 3)).collect();
        assert_eq!(corners_and_middle(&cube), [0, 7]);
    }
}
