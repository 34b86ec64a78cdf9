//! The known key that a mistyped one probably means.

/// The key of `known` that is nearest to `key`. Only the last part of a path such as `training.lr` need be alike.
pub(super) fn nearest<'a>(key: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let last = |path: &'a str| path.rsplit('.').next().unwrap_or(path);
    let own = key.rsplit('.').next().unwrap_or(key);
    known.into_iter().min_by_key(|path| distance(key, path).min(distance(own, last(path)) + 1))
}

/// The fewest characters to insert, delete or replace that turn `a` into `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (index, char) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (place, other) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(char != *other);
            diagonal = row[place + 1];
            row[place + 1] = replaced.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_edits() {
        assert_eq!(["", "lr", "lrr", "rl", "training"].map(|word| distance(word, "lr")), [2, 0, 1, 2, 7]);
    }

    #[test]
    fn a_key_is_found_by_its_whole_path_or_its_last_part() {
        let known = ["dims", "sim_coeff", "std_coeff", "training.lr", "training.warmup"];
        for (key, expected) in [
            ("lr", "training.lr"),
            ("trainig.lr", "training.lr"),
            ("optimizer.warm_up", "training.warmup"),
            ("sim_coef", "sim_coeff"),
        ] {
            assert_eq!(nearest(key, known), Some(expected));
        }
        assert_eq!(nearest("lr", []), None);
    }
}
