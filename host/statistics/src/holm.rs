//! Correction of p-values for many comparisons.

/// The p-values of a family of comparisons, corrected so that the probability of any false claim in the family is at most the level:
/// the step-down method of Holm (1979, *A Simple Sequentially Rejective Multiple Test Procedure*, Scandinavian Journal of Statistics
/// 6), which holds for any dependence among comparisons. The k-th smallest of m is multiplied by m - k + 1; none becomes smaller than
/// one before it, or larger than 1. A comparison without a p-value is not part of the family.
pub fn holm(family: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut ascending: Vec<(usize, f64)> = family.iter().enumerate().filter_map(|(i, p)| Some((i, (*p)?))).collect();
    ascending.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    let (m, mut largest) = (ascending.len(), 0.0f64);
    let mut corrected = vec![None; family.len()];
    for (before, (index, p)) in ascending.into_iter().enumerate() {
        largest = largest.max(p * (m - before) as f64).min(1.0);
        corrected[index] = Some(largest);
    }
    corrected
}
