//! Measures how far the windows of test are from those of train, without noise:
//!
//! ```sh
//! cargo run --release -p physrep-benchmarks --example nearest_windows -- tiny data/tiny/*/packed.bin
//! ```
//!
//! Distances are root mean squares over all values of a context window, in units of each channel's standard deviation. Prints for every
//! packed file the least, median and largest distance of a test window from its nearest train window, the same of a test window from a
//! train window drawn at random, and the mean squared error of taking the labels of the nearest window for the prediction.

use std::path::Path;

use physrep_benchmarks::Split;
use physrep_benchmarks::packed::{Packed, Window};
use physrep_benchmarks::suite::Suite;
use physrep_random::Stream;
use rayon::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [suite, files @ ..] = &arguments[..] else {
        return Err("expected: a suite, then packed files".into());
    };
    let suite = Suite::load(suite)?;
    println!(
        "| system | nearest: least | median | largest | at random: least | median | largest | error of the nearest |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    for file in files {
        let data = Packed::open(Path::new(file))?;
        let [nearest, random] = distances(&suite, &data)?;
        let error = nearest.iter().map(|found| label_error(&data, found)).sum::<f64>() / nearest.len() as f64;
        let [a, b] = [&nearest, &random].map(|found| quantiles(found.iter().map(|found| found.distance).collect()));
        let cells: Vec<String> = a.iter().chain(&b).chain([&error]).map(|value| format!("{value:.3}")).collect();
        println!("| {} | {} |", data.header().system, cells.join(" | "));
    }
    Ok(())
}

/// A window of test and one of train.
struct Pair {
    distance: f64,
    test: Window,
    train: Window,
}

/// Every window of test with its nearest window of train, and with one drawn at random.
fn distances(suite: &Suite, data: &Packed) -> physrep_benchmarks::Result<[Vec<Pair>; 2]> {
    let (frames, plan) = (suite.window.context, suite.window_on(&data.header().system));
    let [train, test] = [Split::Train, Split::Test].map(|split| data.windows(split, &plan));
    let clip = |window: Window| -> physrep_benchmarks::Result<Vec<f32>> {
        let mut values = vec![0.0; data.clip_len(frames)];
        data.clip(window, frames, &mut values)?;
        Ok(values)
    };
    let all = train.iter().map(|&window| clip(window)).collect::<Result<Vec<_>, _>>()?;
    let pairs = test.par_iter().map(|&test| -> physrep_benchmarks::Result<[Pair; 2]> {
        let own = clip(test)?;
        let pair = |index: usize| Pair { distance: distance(&own, &all[index]), test, train: train[index] };
        let nearest = (0..train.len()).map(pair).min_by(|a, b| a.distance.total_cmp(&b.distance));
        let address = (test.trajectory as u64) << 32 | test.start as u64;
        let drawn = Stream::new(suite.seed, "window at random", address).permutation(train.len())[0];
        Ok([nearest.expect("train has windows"), pair(drawn as usize)])
    });
    let pairs: Vec<[Pair; 2]> = pairs.collect::<Result<_, _>>()?;
    let (nearest, random) = pairs.into_iter().map(|[nearest, random]| (nearest, random)).unzip();
    Ok([nearest, random])
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    let blocks = a.chunks(256).zip(b.chunks(256));
    let sum: f64 = blocks.map(|(a, b)| f64::from(a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>())).sum();
    (sum / a.len() as f64).sqrt()
}

/// The mean over parameters of the squared difference of labels.
fn label_error(data: &Packed, pair: &Pair) -> f64 {
    let labels = data.labels(pair.test.trajectory).iter().zip(data.labels(pair.train.trajectory));
    labels.map(|(a, b)| (a - b).powi(2)).sum::<f64>() / data.labels(0).len() as f64
}

/// The least, the median and the largest.
fn quantiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_unstable_by(f64::total_cmp);
    [0, values.len() / 2, values.len() - 1].map(|index| values[index])
}
