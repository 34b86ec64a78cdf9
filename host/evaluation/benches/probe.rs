//! Seconds per epoch of the attentive probe on 2048 windows of 196 tokens with 128 dimensions (the embeddings of the paper's encoder
//! at 224x224 points) in batches of 32. `cargo bench -p physrep-evaluation`

use std::time::Instant;

use physrep_evaluation::{AttentiveConfig, Embeddings, LabelledEmbeddings, Probe};
use physrep_random::Stream;
use physrep_statistics::Labels;

const TOKENS: usize = 196;
const DIM: usize = 128;
const WINDOWS: usize = 2048;

fn split(name: &str, n: usize) -> LabelledEmbeddings {
    let mut rng = Stream::new(0, name, 0);
    let mut values = vec![0.0; n * TOKENS * DIM];
    rng.fill_normal(&mut values);
    let mut labels = vec![0.0; 2 * n];
    rng.fill_normal(&mut labels);
    let embeddings = Embeddings { values, n, tokens: TOKENS, dim: DIM };
    let names = vec!["first".to_string(), "second".to_string()];
    let labels = Labels { values: labels, names, trajectory: (0..n as u32).collect() };
    LabelledEmbeddings::new(name, embeddings, labels).expect("a split")
}

fn main() {
    let (train, valid) = (split("train", WINDOWS), split("valid", 32));
    let fit = |epochs: usize| {
        let clock = Instant::now();
        let probe = Probe::Attentive(AttentiveConfig { epochs, ..Default::default() });
        probe.fit(&train, &valid, 0).expect("a fit");
        clock.elapsed().as_secs_f64()
    };
    fit(1);
    // The difference leaves out the constant cost of a fit.
    let (few, many) = (fit(1), fit(6));
    println!(
        "{{\"windows\": {WINDOWS}, \"tokens\": {TOKENS}, \"dim\": {DIM}, \"seconds_per_epoch\": {}}}",
        (many - few) / 5.0
    );
}
