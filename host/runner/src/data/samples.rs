//! Sample fields of a run, as encoders see them, for the report.

use std::path::Path;

use physrep_benchmarks::{
    Split,
    packed::{NoiseStream, Packed, Window, load_clip},
    suite::Suite,
    systems,
};
use physrep_records::{DataSource, Sample, SampleFields};

use crate::error::Result;

/// Frames per sample.
const FRAMES: usize = 4;

/// Writes the sample fields of a system into the folder of a run: the middle windows of the test trajectories with the lowest and
/// with the highest sum of labels, clean and, if the suite has noise, noisy.
///
/// # Errors
///
/// If the data cannot be read, or the samples cannot be written.
pub fn write_samples(suite: &Suite, source: &DataSource, run: &Path) -> Result<()> {
    let data = Packed::open(&source.path)?;
    let header = data.header();
    let context = suite.window.context;
    let [nx, ny] = header.grid();
    let shown = systems::named(&source.system)?.pictured_channel();
    let channel = header.channels.iter().position(|channel| Some(channel.name.as_str()) == shown).unwrap_or_default();
    let noise = suite.noise_on(&source.system);
    let count = FRAMES.min(context);
    let kept: Vec<usize> = (0..count).map(|k| k * (context - 1) / (count - 1).max(1)).collect();
    let mut samples = Vec::new();
    for window in windows(suite, &source.system, &data).into_iter().flatten() {
        let mut clean = vec![0.0; data.clip_len(context)];
        let mut noisy = clean.clone();
        data.clip(window, context, &mut clean)?;
        load_clip(&data, suite, window, context, NoiseStream::Encoding, &mut noisy)?;
        let parameters = header.scalings.iter().zip(data.parameters(window.trajectory));
        let parameters: Vec<(String, f64)> =
            parameters.map(|(scaling, value)| (scaling.name.clone(), *value)).collect();
        for (noisy, clip) in [(false, clean), (true, noisy)].into_iter().take(if noise > 0.0 { 2 } else { 1 }) {
            let frame = |k: &usize| clip[(channel * context + k) * nx * ny..][..nx * ny].to_vec();
            samples.push(Sample {
                trajectory: window.trajectory,
                parameters: parameters.clone(),
                noisy,
                frames: kept.iter().map(|k| window.start + k).collect(),
                times: kept.iter().map(|k| (window.start + k) as f64 * header.dt).collect(),
                values: kept.iter().map(frame).collect(),
            });
        }
    }
    let fields = SampleFields {
        system: source.system.clone(),
        data_checksum: source.checksum.clone(),
        channel: header.channels[channel].name.clone(),
        grid: [nx, ny],
        context_frames: context,
        noise,
        samples,
    };
    Ok(fields.write(run)?)
}

/// The middle windows of the test trajectories with the lowest and with the highest sum of labels.
fn windows(suite: &Suite, system: &str, data: &Packed) -> Option<[Window; 2]> {
    let windows = data.windows(Split::Test, &suite.window_on(system));
    let sum = |window: &&Window| data.labels(window.trajectory).iter().sum::<f64>();
    let low = windows.iter().min_by(|a, b| sum(a).total_cmp(&sum(b)))?;
    let high = windows.iter().max_by(|a, b| sum(a).total_cmp(&sum(b)))?;
    let middle = |of: &Window| -> Option<Window> {
        let own: Vec<&Window> = windows.iter().filter(|window| window.trajectory == of.trajectory).collect();
        own.get(own.len() / 2).map(|window| **window)
    };
    Some([middle(low)?, middle(high)?])
}
