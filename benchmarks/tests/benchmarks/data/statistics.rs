//! Statistics of the training split.

use physrep_benchmarks::Split;
use physrep_benchmarks::well::{WellFile, split_files};

use crate::support::packed;

/// Mean and standard deviation of each channel over the files of a split, the obvious way.
fn naive(folder: &std::path::Path, split: Split) -> Vec<[f64; 2]> {
    let files = split_files(folder, "shear_flow", split).unwrap();
    let mut channels = vec![Vec::new(); 4];
    for path in &files {
        let file = WellFile::open(path).unwrap();
        let layout = file.layout();
        let mut first = 0;
        for field in &layout.fields {
            let values = file.read(&field.name, 0..layout.trajectories, 0..layout.times.len()).unwrap();
            let components = field.rank.components();
            for component in 0..components {
                let one = values.iter().skip(component).step_by(components).map(|&v| f64::from(v));
                channels[first + component].extend(one);
            }
            first += components;
        }
    }
    let moments = |values: Vec<f64>| {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        [mean, (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt()]
    };
    channels.into_iter().map(moments).collect()
}

#[test]
fn channels_are_normalised_with_the_statistics_of_the_training_split() {
    let (folder, packed) = packed();
    let [train, test] = [Split::Train, Split::Test].map(|split| naive(folder.path(), split));
    let channels = &packed.header().channels;
    assert_eq!(channels.len(), 4);
    // `stats.yaml` holds five digits.
    let agree = |of: &[[f64; 2]]| {
        channels.iter().zip(of).all(|(channel, [mean, std])| {
            let stats = channel.stats;
            // A mean of zero is zero to rounding.
            (stats.mean - mean).abs() <= 1e-4 * mean.abs() + 1e-12 * std && (stats.std - std).abs() <= 1e-4 * std
        })
    };
    assert!(agree(&train), "{channels:?}\n{train:?}");
    assert!(!agree(&test), "the statistics of test are no others: {test:?}");
}
