//! The noise of clips, from the definition of its streams in docs/protocol.md.

use physrep_benchmarks::packed::{NoiseStream, Window, load_clip};
use physrep_benchmarks::suite::Suite;
use physrep_random::Stream;

use crate::support::{packed, suite};

#[test]
fn noise_is_a_function_of_the_suites_seed_and_the_sample() {
    let (_folder, packed) = packed();
    let suite = Suite { noise: 0.5, ..suite() };
    let window = Window { trajectory: 1, start: 2 };
    let mut clean = vec![0.0; packed.clip_len(4)];
    packed.clip(window, 4, &mut clean).unwrap();
    let streams = [
        (NoiseStream::Pretraining(5), "noise of pretraining", 5),
        (NoiseStream::EndToEnd(5), "noise of end-to-end training", 5),
        (NoiseStream::Encoding, "noise of probing", 1 << 32 | 2),
    ];
    for (stream, purpose, index) in streams {
        let mut noisy = vec![0.0; clean.len()];
        load_clip(&packed, &suite, window, 4, stream, &mut noisy).unwrap();
        let mut random = Stream::new(suite.seed, purpose, index);
        let expected = clean.iter().map(|value| value + (0.5 * random.standard_normal()) as f32);
        assert!(expected.eq(noisy), "{stream:?}");
    }
}
