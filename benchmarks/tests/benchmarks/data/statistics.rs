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
    assert_eq!(packed.header().channels.len(), 4);
    for (channel, ([mean, std], test)) in packed.header().channels.iter().zip(train.into_iter().zip(test)) {
        let stats = channel.stats;
        // `stats.yaml` holds five digits.
        assert!((stats.mean - mean).abs() <= 1e-4 * mean.abs(), "{}: mean {} for {mean}", channel.name, stats.mean);
        assert!((stats.std - std).abs() <= 1e-4 * std, "{}: std {} for {std}", channel.name, stats.std);
        assert!((stats.std - test[1]).abs() > 1e-3 * std, "{}: those of test would pass, too", channel.name);
    }
}
