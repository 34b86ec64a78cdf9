//! How much the order of sums changes the test errors of the trained probes: fits by themselves beside stacked ones, both on the CPU,
//! on the embeddings of a cell. `cargo run --release --example rounding -p physrep-evaluation -- CELL/embeddings.safetensors`

use std::collections::HashMap;

use candle_core::{Device, Result, Tensor};
use physrep_evaluation::{AttentiveConfig, Embeddings, LabelledEmbeddings, MlpConfig, Probe};
use physrep_statistics::{Labels, scores};

const SEEDS: [u64; 3] = [0, 1 << 32, 2 << 32];

/// The first windows of a split, at least four.
fn split(file: &HashMap<String, Tensor>, name: &str, fraction: f64) -> Result<LabelledEmbeddings> {
    let [tokens, labels] = ["tokens", "labels"].map(|what| &file[&format!("{name}.{what}")]);
    let n = ((tokens.dim(0)? as f64 * fraction) as usize).max(4);
    let values = |all: &Tensor| all.narrow(0, 0, n)?.flatten_all()?.to_vec1::<f32>();
    let embeddings = Embeddings { values: values(tokens)?, n, tokens: tokens.dim(1)?, dim: tokens.dim(2)? };
    let names = (0..labels.dim(1)?).map(|parameter| parameter.to_string()).collect();
    let labels = Labels { values: values(labels)?, names, trajectory: (0..n as u32).collect() };
    Ok(LabelledEmbeddings::new(name, embeddings, labels).expect("a split of finite values"))
}

fn main() -> Result<()> {
    let path = std::env::args().nth(1).expect("the path of an embeddings.safetensors");
    let file = candle_core::safetensors::load(path, &Device::Cpu)?;
    let test = split(&file, "test", 1.0)?;
    let error = |predicted: &Vec<f32>| scores(predicted, test.labels()).expect("scores").mse / SEEDS.len() as f64;
    for probe in [Probe::Attentive(AttentiveConfig::default()), Probe::Mlp(MlpConfig::default())] {
        for fraction in [0.01, 0.1, 0.5, 1.0] {
            let (train, valid) = (split(&file, "train", fraction)?, split(&file, "valid", fraction)?);
            let alone = |seed| probe.fit(&train, &valid, seed).and_then(|fit| fit.predict(&test)).expect("a fit");
            let stacked = probe.fit_stacked(&train, &valid, &SEEDS, &Device::Cpu).and_then(|fits| fits.predict(&test));
            let alone: f64 = SEEDS.into_iter().map(alone).map(|predicted| error(&predicted)).sum();
            let stacked: f64 = stacked.expect("fits").iter().map(error).sum();
            let (name, n) = (probe.name(), train.n());
            println!("{name}, {n} windows: test error {alone:.6}, stacked {:+.1e}", stacked - alone);
        }
    }
    Ok(())
}
