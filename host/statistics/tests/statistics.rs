//! Intervals and p-values by simulation, against known tables, and on input that has none.

use physrep_random::Stream;
use physrep_statistics::{
    Errors, Interval, Resampler, compare, difference_of_independent, holm, is_significant, ranks, standard_deviation,
    t_interval, t_quantile,
};

/// Resamples in simulations; fewer than a table uses.
const RESAMPLES: usize = 1000;

#[test]
fn quantiles_are_those_of_printed_tables() {
    for (degrees, table) in [(1, 12.706), (2, 4.303), (4, 2.776), (10, 2.228), (30, 2.042)] {
        let quantile = t_quantile(0.975, degrees).expect("a quantile");
        assert!((quantile - table).abs() < 5e-4, "{degrees}: {quantile}, {table}");
    }
    // 1, 2, 3: mean 2, standard deviation 1, half width 4.303 / sqrt 3.
    let interval = t_interval(&[1.0, 2.0, 3.0]).expect("an interval");
    assert!((interval.low + 0.4841).abs() < 1e-3 && (interval.high - 4.4841).abs() < 1e-3, "{interval:?}");
}

#[test]
fn the_t_interval_covers_the_mean_of_few_seeds_as_often_as_it_says() {
    for seeds in [2, 3, 5] {
        let repeats = 20_000;
        let covered = (0..repeats)
            .filter(|&repeat| {
                let mut rng = Stream::new(seeds, "seeds", repeat);
                let scores: Vec<f64> = (0..seeds).map(|_| 0.4 + 0.05 * rng.standard_normal()).collect();
                t_interval(&scores).expect("an interval").contains(0.4)
            })
            .count();
        let coverage = covered as f64 / repeats as f64;
        println!("t interval over {seeds} seeds: {coverage:.3}");
        assert!((coverage - 0.95).abs() < 0.006, "{seeds} seeds: {coverage}");
    }
}

/// The squared errors of `n` trajectories with five windows each, correlated within a trajectory. They are squares of normal
/// values, hence skewed, with expectation 0.5.
fn errors(rng: &mut Stream, n: usize) -> Vec<[f64; 5]> {
    (0..n)
        .map(|_| {
            let shared = 0.6f64.sqrt() * rng.standard_normal();
            [(); 5].map(|()| 0.5 * (shared + 0.4f64.sqrt() * rng.standard_normal()).powi(2))
        })
        .collect()
}

fn mean(windows: &[f64; 5]) -> f64 {
    windows.iter().sum::<f64>() / 5.0
}

#[test]
fn the_bootstrap_over_trajectories_has_its_coverage_and_one_over_windows_does_not() {
    for (n, least, most) in [(16, 0.89, 0.96), (64, 0.92, 0.965), (200, 0.935, 0.965)] {
        let repeats = 1500;
        let (by_trajectory, by_window) = (Resampler::with(RESAMPLES, n, 1), Resampler::with(RESAMPLES, 5 * n, 2));
        let (mut covered, mut covered_by_windows) = (0, 0);
        for repeat in 0..repeats {
            let errors = errors(&mut Stream::new(n as u64, "errors", repeat), n);
            let means: Vec<f64> = errors.iter().map(mean).collect();
            covered += usize::from(by_trajectory.interval(&means, &vec![5.0; n]).expect("one").contains(0.5));
            if n == 64 {
                let windows = errors.concat();
                let interval = by_window.interval(&windows, &vec![1.0; 5 * n]).expect("one");
                covered_by_windows += usize::from(interval.contains(0.5));
            }
        }
        let coverage = covered as f64 / repeats as f64;
        println!("bootstrap over {n} trajectories: {coverage:.3}");
        assert!(least < coverage && coverage < most, "{n} trajectories: {coverage}");
        if n == 64 {
            let coverage = covered_by_windows as f64 / repeats as f64;
            println!("bootstrap over their windows as if they were independent: {coverage:.3}");
            assert!(coverage < 0.85, "windows: {coverage}");
        }
    }
}

#[test]
fn paired_differences_are_covered_and_pairing_narrows_their_intervals() {
    let (n, repeats) = (64, 1500);
    let resampler = Resampler::with(RESAMPLES, n, 3);
    let weights = vec![5.0; n];
    let (mut covered, mut significant, mut paired, mut alone) = (0, 0, 0.0, 0.0);
    for repeat in 0..repeats {
        let mut rng = Stream::new(9, "pairs", repeat);
        // Two methods with correlated errors, those of the second higher by 0.1 on average.
        let a: Vec<f64> = errors(&mut rng, n).iter().map(mean).collect();
        let b: Vec<f64> = a.iter().map(|error| error + 0.1 * rng.standard_normal().powi(2)).collect();
        let difference = resampler.paired(&b, &a, &weights).expect("a difference");
        covered += usize::from(difference.interval.contains(0.1));
        // Without the 0.1, there is no difference to find.
        let equal: Vec<f64> = b.iter().map(|error| error - 0.1).collect();
        let none = resampler.paired(&equal, &a, &weights).expect("a difference");
        significant += usize::from(is_significant(none.p));
        paired += difference.interval.half_width();
        alone += resampler.interval(&b, &weights).expect("an interval").half_width();
    }
    let coverage = covered as f64 / repeats as f64;
    let false_claims = significant as f64 / repeats as f64;
    println!("paired difference over {n} trajectories: {coverage:.3}; claimed where there is none: {false_claims:.3}");
    assert!((0.915..0.965).contains(&coverage), "{coverage}");
    assert!((coverage + false_claims - 1.0).abs() < 0.002, "the p-value and the interval agree: {false_claims}");
    assert!(paired < alone / 3.0, "half widths {paired} paired, {alone} alone");
}

#[test]
fn the_difference_of_independent_means_has_an_interval_from_theirs() {
    // Upwards from 0.3 - 0.2 add up 0.4 and 0.3, downwards 0.05 and 0.12.
    let a = (0.3, Interval { low: 0.25, high: 0.7 });
    let b = (0.2, Interval { low: -0.1, high: 0.32 });
    let interval = difference_of_independent(a, b);
    assert!((interval.low - (0.1 - 0.13)).abs() < 1e-12 && (interval.high - (0.1 + 0.5)).abs() < 1e-12, "{interval:?}");
    let (n, repeats) = (64, 1500);
    let resampler = Resampler::with(RESAMPLES, n, 7);
    let covered = (0..repeats)
        .filter(|&repeat| {
            let mut rng = Stream::new(13, "independent", repeat);
            let mut one = || {
                let errors: Vec<f64> = errors(&mut rng, n).iter().map(mean).collect();
                let interval = resampler.interval(&errors, &vec![5.0; n]).expect("an interval");
                (errors.iter().sum::<f64>() / n as f64, interval)
            };
            difference_of_independent(one(), one()).contains(0.0)
        })
        .count();
    let coverage = covered as f64 / repeats as f64;
    println!("difference of independent means over {n} trajectories each: {coverage:.3}");
    assert!((0.935..0.965).contains(&coverage), "{coverage}");
}

#[test]
fn weights_are_windows() {
    let resampler = Resampler::new(2, 0);
    let interval = resampler.interval(&[1.0, 4.0], &[1.0, 1.0]).expect("an interval");
    assert_eq!((interval.low, interval.high), (1.0, 4.0));
    let difference = resampler.paired(&[1.0, 4.0], &[0.0, 0.0], &[3.0, 1.0]).expect("a difference");
    assert_eq!(difference.mean, 1.75);
}

#[test]
fn a_difference_must_be_significant_over_seeds_too() {
    let weights = vec![1.0; 40];
    let resampler = Resampler::new(40, 0);
    let errors = |offsets: &[f64]| Errors {
        seeds: offsets
            .iter()
            .enumerate()
            .map(|(seed, offset)| (seed as u64, (0..40).map(|t| 0.5 + offset + 0.01 * f64::from(t % 7)).collect()))
            .collect(),
        weights: weights.clone(),
    };
    let base = errors(&[0.0, 0.0, 0.0]);
    let steady = compare(&errors(&[0.1, 0.11, 0.09]), &base, &resampler).expect("a comparison");
    assert!((steady.difference - 0.1).abs() < 1e-12 && steady.p() < Some(0.05), "{steady:?}");
    // By hand: the standard error is 0.01 / sqrt 3, and t = 17.32 with 2 degrees of freedom has p = 0.003317.
    assert!((steady.over_seeds.expect("a test").p - 0.003317).abs() < 1e-6, "{steady:?}");
    assert_eq!(steady.p(), steady.over_seeds.map(|test| test.p), "the larger one");
    // The same mean difference, but it depends on the seed.
    let fickle = compare(&errors(&[0.35, 0.0, -0.05]), &base, &resampler).expect("a comparison");
    assert!((fickle.difference - 0.1).abs() < 1e-12, "{fickle:?}");
    assert!(fickle.over_trajectories.is_some_and(|test| test.p < 0.001) && fickle.p() > Some(0.4), "{fickle:?}");
    // One seed in common: there is no interval over seeds.
    let one = compare(&errors(&[0.1]), &base, &resampler).expect("a comparison");
    assert_eq!((one.over_seeds, one.p()), (None, one.over_trajectories.map(|test| test.p)));
    // Not even a seed apart.
    let same = compare(&base, &base, &resampler).expect("a comparison");
    assert_eq!((same.difference, same.p()), (0.0, Some(1.0)));
}

#[test]
fn p_values_count_the_draws_on_the_other_side_of_zero() {
    // Two trajectories: a draw has the first alone, both, or the second alone, with probabilities 1/4, 1/2 and 1/4.
    let resampler = Resampler::new(2, 0);
    let p = |a: [f64; 2]| resampler.paired(&a, &[0.0; 2], &[1.0; 2]).expect("a difference").p;
    // A quarter is not above 0. The normal quantile of 1/4 is -0.674; by 1 / sqrt 2 nearer, Student's p with one degree of freedom is
    // 2 (1/2 - atan(0.477) / pi) = 0.716.
    let skewed = p([-1.0, 4.0]);
    assert!((skewed - 0.716).abs() < 0.01, "{skewed}");
    assert_eq!(p([1.0, -4.0]), p([-1.0, 4.0]), "it has no direction");
    assert_eq!(p([0.0, 0.0]), 1.0);
    // No draw is on the other side: p is small, but not 0.
    let errors: Vec<f64> = (0..64).map(|t| 1.0 + 0.01 * f64::from(t % 5)).collect();
    let clear = Resampler::new(64, 0).paired(&errors, &[0.0; 64], &[1.0; 64]).expect("a difference").p;
    assert!((1e-4..1e-3).contains(&clear), "{clear}");
}

#[test]
fn the_correction_of_holm_is_that_of_a_worked_example() {
    let near = |family: &[f64], expected: &[f64]| {
        let family: Vec<Option<f64>> = family.iter().copied().map(Some).collect();
        let found = holm(&family);
        let close = |(found, expected): (&Option<f64>, &f64)| found.is_some_and(|p| (p - expected).abs() < 1e-12);
        assert!(found.len() == expected.len() && found.iter().zip(expected).all(close), "{found:?}, {expected:?}");
    };
    // Ascending: 4 x 0.005, 3 x 0.01, 2 x 0.03, and 1 x 0.04, which may not be below the one before it.
    near(&[0.01, 0.04, 0.03, 0.005], &[0.03, 0.06, 0.06, 0.02]);
    // R: p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm"); statsmodels' multipletests(p, method="holm") gives the same.
    near(&[0.01, 0.02, 0.03, 0.04, 0.05], &[0.05, 0.08, 0.09, 0.09, 0.09]);
    near(&[0.7, 0.6], &[1.0, 1.0]);
    near(&[0.02], &[0.02]);
    near(&[], &[]);
    let without = holm(&[None, Some(0.02), None, Some(0.3)]);
    assert_eq!(without, [None, Some(0.04), None, Some(0.3)], "what has no p-value is not counted");
}

#[test]
fn a_family_of_equal_methods_makes_a_false_claim_as_rarely_as_its_level() {
    let (n, rivals, repeats) = (64, 8, 400);
    let resampler = Resampler::with(RESAMPLES, n, 5);
    let (mut corrected, mut uncorrected) = (0, 0);
    for repeat in 0..repeats {
        let mut rng = Stream::new(11, "family", repeat);
        let base: Vec<f64> = errors(&mut rng, n).iter().map(mean).collect();
        let rival = |rng: &mut Stream| base.iter().map(|e| e + 0.1 * rng.standard_normal()).collect::<Vec<f64>>();
        let p: Vec<Option<f64>> = (0..rivals)
            .map(|_| resampler.paired(&rival(&mut rng), &base, &vec![1.0; n]).map(|difference| difference.p))
            .collect();
        let any = |p: &[Option<f64>]| usize::from(p.iter().flatten().any(|&p| is_significant(p)));
        corrected += any(&holm(&p));
        uncorrected += any(&p);
    }
    let [corrected, uncorrected] = [corrected, uncorrected].map(|count| count as f64 / repeats as f64);
    println!("a false claim among {rivals} comparisons: {corrected:.3} with the correction, {uncorrected:.3} without");
    assert!(corrected < 0.08 && uncorrected > 0.25, "{corrected} {uncorrected}");
}

#[test]
fn the_standard_deviation_is_that_of_a_sample() {
    assert_eq!(standard_deviation(&[1.0, 2.0, 3.0]), Some(1.0));
    assert_eq!(standard_deviation(&[1.0]), None);
}

#[test]
fn ranks_are_shared_by_ties() {
    assert_eq!(ranks(&[0.3, 0.1, 0.3, 0.2]), [3.5, 1.0, 3.5, 2.0]);
    assert!(ranks(&[]).is_empty());
}

#[test]
fn draws_are_the_same_for_the_same_seed() {
    let errors: Vec<f64> = (0..30).map(|t| f64::from(t % 11)).collect();
    let interval = |seed| Resampler::new(30, seed).interval(&errors, &[1.0; 30]);
    assert_eq!(interval(4), interval(4));
    assert_ne!(interval(4), interval(5));
}

#[test]
fn unsuitable_input_has_no_interval() {
    assert_eq!(t_interval(&[1.0]), None);
    assert_eq!(t_interval(&[1.0, f64::NAN]), None);
    let resampler = Resampler::new(3, 0);
    assert_eq!(resampler.interval(&[1.0, 2.0], &[1.0, 1.0]), None);
    assert_eq!(resampler.interval(&[1.0, 2.0, f64::INFINITY], &[1.0; 3]), None);
    assert_eq!(resampler.interval(&[1.0, 2.0, 3.0], &[1.0, 0.0, 1.0]), None);
    assert_eq!(resampler.paired(&[1.0; 3], &[1.0; 2], &[1.0; 3]), None);
    for n in [0, 1] {
        assert_eq!(Resampler::new(n, 0).interval(&vec![1.0; n], &vec![1.0; n]), None);
    }
    let none = Errors { seeds: vec![], weights: vec![1.0; 3] };
    assert_eq!(compare(&none, &none, &resampler), None);
}
