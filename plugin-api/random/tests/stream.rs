//! Streams are reproducible, independent and of the right distribution.

use physrep_random::Stream;

fn draws(mut stream: Stream) -> [f64; 4] {
    std::array::from_fn(|_| stream.uniform())
}

#[test]
fn a_stream_is_a_function_of_seed_purpose_and_index() {
    let stream = draws(Stream::new(1, "noise", 2));
    assert_eq!(stream, draws(Stream::new(1, "noise", 2)));
    for other in [Stream::new(2, "noise", 2), Stream::new(1, "noise2", 2), Stream::new(1, "noise", 3)] {
        assert_ne!(stream, draws(other));
    }
}

/// Published results depend on these bits: a change of generator must not go unnoticed.
#[test]
fn streams_stay_what_they_are() {
    let mut rng = Stream::new(42, "golden", 7);
    assert_eq!(rng.uniform(), 0.7730733128140983);
    assert_eq!(rng.standard_normal(), 1.1033983526540772);
    assert_eq!(rng.permutation(8), [3, 5, 4, 2, 1, 7, 6, 0]);
}

/// Two values to a word of the stream, the lower half first. A uniform number tells all but 11 bits of two words.
#[test]
fn noise_is_the_quantiles_that_the_halves_of_words_choose() {
    let mut values = [0.0; 4 * 1000];
    Stream::new(1, "noise", 0).add_noise(1.0, &mut values);
    let mut words = Stream::new(1, "noise", 0);
    for values in values.chunks_exact(4) {
        let bits = (words.uniform() * 2f64.powi(53)) as u64;
        // The halves but the first one, of which six bits are missing.
        for (value, half) in values[1..].iter().zip([bits >> 5, bits >> 21, bits >> 37]) {
            let probability = ((half & 0xffff) as f64 + 0.5) / 65_536.0;
            let found = 0.5 * libm::erfc(-f64::from(*value) / 2f64.sqrt());
            assert!((found - probability).abs() < 1e-7, "{value}: {found}, expected {probability}");
        }
    }
}

#[test]
fn noise_is_added_and_has_the_asked_deviation() {
    let mut values = vec![3.0; 1_000_001];
    Stream::new(2, "noise", 0).add_noise(0.5, &mut values);
    let n = values.len() as f64;
    let moment = |k: i32| values.iter().map(|&v| ((f64::from(v) - 3.0) / 0.5).powi(k)).sum::<f64>() / n;
    let [mean, variance, third, fourth] = [1, 2, 3, 4].map(moment);
    // Within four standard errors.
    assert!(mean.abs() < 4e-3 && (variance - 1.0).abs() < 6e-3, "{mean}, {variance}");
    assert!(third.abs() < 1.6e-2 && (fourth - 3.0).abs() < 4e-2, "{third}, {fourth}");
    assert!(values.iter().all(|value| (value - 3.0).abs() <= 0.5 * 4.325));
}

#[test]
fn a_permutation_holds_every_index_once_and_all_are_likely() {
    for n in [0, 1, 2, 100] {
        let mut order = Stream::new(1, "permutation", n as u64).permutation(n);
        order.sort_unstable();
        assert!(order.into_iter().eq(0..n as u32));
    }
    let mut counts = [0; 6];
    for i in 0..6000 {
        let order = Stream::new(1, "permutation", i).permutation(3);
        counts[(order[0] * 2 + u32::from(order[1] > order[2])) as usize] += 1;
    }
    assert!(counts.iter().all(|c| (850..1150).contains(c)), "{counts:?}");
}

#[test]
fn indices_below_a_number_are_all_met_about_as_often() {
    let mut rng = Stream::new(1, "below", 0);
    let mut met = [0; 5];
    for _ in 0..5000 {
        met[rng.below(5)] += 1;
    }
    assert!(met.iter().all(|count| (850..1150).contains(count)), "{met:?}");
    assert_eq!((rng.below(1), rng.below(0)), (0, 0));
}
