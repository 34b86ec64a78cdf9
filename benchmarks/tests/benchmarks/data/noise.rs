//! The noise of clips, from the definition of its streams in docs/protocol.md.

use physrep_benchmarks::generate::generate;
use physrep_benchmarks::packed::{NoiseStream, Packed, Window, load_clip, pack};
use physrep_benchmarks::suite::Suite;
use physrep_random::Stream;
use tempfile::TempDir;

use crate::support::{Waves, suite_with};

const WINDOW: Window = Window { trajectory: 1, start: 2 };
const FRAMES: usize = 4;
const CHANNELS: usize = 4;

/// A suite with noise, and its data.
fn noisy(system: &Waves, settings: &str) -> (Suite, TempDir, Packed) {
    let suite = suite_with("seed = 7", &format!("seed = 7\nnoise = 0.5\n{settings}")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    generate(&suite, system, folder.path(), 2, &()).unwrap();
    let packed = pack(&suite, system, folder.path(), &folder.path().join("waves.pack"), &()).unwrap();
    (suite, folder, packed)
}

/// The clip of the window without noise.
fn clean(packed: &Packed) -> Vec<f32> {
    let mut clean = vec![0.0; packed.clip_len(FRAMES)];
    packed.clip(WINDOW, FRAMES, &mut clean).unwrap();
    clean
}

#[test]
fn noise_is_a_function_of_the_suites_seed_and_the_sample() {
    let (suite, _folder, packed) = noisy(&Waves::default(), "");
    let clean = clean(&packed);
    let streams = [
        (NoiseStream::Pretraining(5), "noise of pretraining", 5),
        (NoiseStream::EndToEnd(5), "noise of end-to-end training", 5),
        (NoiseStream::Encoding, "noise of probing", 1 << 32 | 2),
    ];
    for (stream, purpose, index) in streams {
        let mut noisy = vec![0.0; clean.len()];
        load_clip(&packed, &suite, WINDOW, FRAMES, stream, &mut noisy).unwrap();
        let mut expected = clean.clone();
        let values = expected.len() / CHANNELS;
        let mut random = Stream::new(suite.seed, purpose, index);
        expected.chunks_exact_mut(values).for_each(|channel| random.add_noise(0.5, channel));
        assert!(expected == noisy, "{stream:?}");
    }
}

/// A channel that shows nothing but noise would tell which window it is of.
#[test]
fn a_constant_channel_gets_no_noise() {
    let still = Waves { constant_pressure: true, ..Waves::default() };
    for settings in ["", "normalise = false"] {
        let (suite, _folder, packed) = noisy(&still, settings);
        let constant: Vec<bool> = packed.header().channels.iter().map(|channel| channel.constant).collect();
        assert_eq!(constant, [false, true, false, false]);
        let clean = clean(&packed);
        let mut noisy = vec![0.0; clean.len()];
        load_clip(&packed, &suite, WINDOW, FRAMES, NoiseStream::Encoding, &mut noisy).unwrap();
        let length = clean.len() / CHANNELS;
        let mut random = Stream::new(suite.seed, "noise of probing", 1 << 32 | 2);
        for ((channel, clean), noisy) in clean.chunks_exact(length).enumerate().zip(noisy.chunks_exact(length)) {
            if channel == 1 {
                assert!(clean.iter().all(|value| *value == clean[0]) && clean == noisy);
            } else {
                let mut expected = clean.to_vec();
                random.add_noise(0.5, &mut expected);
                assert!(expected == noisy, "channel {channel}");
            }
        }
    }
}
