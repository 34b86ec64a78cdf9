//! Sample fields: frames of test trajectories, clean and with the suite's noise, as encoders see them.

use base64::{Engine, engine::general_purpose::STANDARD};
use maud::html;
use physrep_benchmarks::packed::clip_noise::describe;
use physrep_records::{Sample, SampleFields};

use super::{
    figure::{Data, Figure, Panel},
    names::{file_name, spaced},
};
use crate::{
    error::{Error, Result},
    number::number,
    picture::pictures,
    plot::px,
};

/// The width of a frame on paper, and the space between two, in pixels.
const WIDTH: f64 = 96.0;
const GAP: f64 = 6.0;

const COLUMNS: [&str; 11] =
    ["system", "channel", "trajectory", "parameters", "noise", "frame", "time", "minimum", "mean", "maximum", "std"];

/// The figure of the sample fields of a system, one panel per sample.
///
/// # Errors
///
/// [`Error::Png`] if a frame cannot be encoded.
pub(crate) fn figure(fields: &SampleFields) -> Result<Figure> {
    let mut data = Data::new(&COLUMNS);
    for sample in &fields.samples {
        add_statistics(&mut data, fields, sample);
    }
    let pictures = sample_pictures(fields)?;
    let panels = fields.samples.iter().zip(pictures).map(|(sample, pictures)| panel(sample, &pictures, fields.grid));
    let noise = match fields.noise {
        0.0 => "This suite adds no noise.".to_owned(),
        noise => {
            format!("Noisy: as encoders see it. {} is added, the same for every method.", describe(&noise.to_string()))
        }
    };
    let frames = fields.samples.iter().map(|sample| sample.frames.len()).max().unwrap_or_default();
    let [nx, ny] = fields.grid;
    Ok(Figure {
        name: format!("samples-{}", file_name(&fields.system)),
        title: format!("{}: {}.", spaced(&fields.system), fields.channel),
        caption: format!(
            "{frames} of the {} frames of a window of two test trajectories, with low and with high parameters. {noise} One pixel per point of \
             the {nx} × {ny} grid.",
            fields.context_frames
        ),
        columns: 2,
        panels: panels.collect(),
        data,
    })
}

/// The frames of each sample as PNG files. Clean samples share one colour scale and noisy ones another, so that neither are pale.
fn sample_pictures(fields: &SampleFields) -> Result<Vec<Vec<Vec<u8>>>> {
    let mut drawn = vec![Vec::new(); fields.samples.len()];
    for noisy in [false, true] {
        let alike = || fields.samples.iter().enumerate().filter(|(_, sample)| sample.noisy == noisy);
        let frames: Vec<Vec<f32>> = alike().flat_map(|(_, sample)| sample.values.clone()).collect();
        let encoded = pictures(&fields.channel, &frames, fields.grid)
            .map_err(Error::png(format!("sample fields of {}", fields.system)))?;
        let mut encoded = encoded.into_iter();
        for (place, sample) in alike() {
            drawn[place] = encoded.by_ref().take(sample.values.len()).collect();
        }
    }
    Ok(drawn)
}

/// Adds a row per frame: what it is of, and the statistics of its values.
fn add_statistics(data: &mut Data, fields: &SampleFields, sample: &Sample) {
    for ((frame, time), values) in sample.frames.iter().zip(&sample.times).zip(&sample.values) {
        let Some([low, mean, high, std]) = statistics(values) else { continue };
        data.push([
            fields.system.clone(),
            fields.channel.clone(),
            sample.trajectory.to_string(),
            parameters(sample),
            look(sample).into(),
            frame.to_string(),
            time.to_string(),
            low.to_string(),
            mean.to_string(),
            high.to_string(),
            std.to_string(),
        ]);
    }
}

/// The smallest value, the mean, the largest and the standard deviation; none without values.
fn statistics(values: &[f32]) -> Option<[f64; 4]> {
    let all = || values.iter().map(|&value| f64::from(value));
    let n = values.len() as f64;
    let mean = all().sum::<f64>() / n;
    let std = (all().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
    Some([all().reduce(f64::min)?, mean, all().reduce(f64::max)?, std])
}

fn parameters(sample: &Sample) -> String {
    let named = sample.parameters.iter().map(|(name, value)| format!("{name} {}", number(*value)));
    named.collect::<Vec<_>>().join(", ")
}

fn look(sample: &Sample) -> &'static str {
    if sample.noisy { "noisy" } else { "clean" }
}

fn panel(sample: &Sample, pictures: &[Vec<u8>], [nx, ny]: [usize; 2]) -> Panel {
    let [width, height] = [WIDTH, WIDTH * (ny as f64 / nx as f64).clamp(0.25, 3.0)];
    let left = |place: usize| place as f64 * (width + GAP);
    let drawing = html! {
        text class="note" x="0" y="28" { (look(sample)) }
        @for (place, (picture, time)) in pictures.iter().zip(&sample.times).enumerate() {
            image x=(px(left(place))) y="36" width=(px(width)) height=(px(height)) preserveAspectRatio="none"
                href={ "data:image/png;base64," (STANDARD.encode(picture)) } {}
            text class="tick" text-anchor="middle" x=(px(left(place) + width / 2.0)) y=(px(36.0 + height + 14.0)) {
                "t = " (number(*time))
            }
        }
    };
    Panel {
        title: parameters(sample),
        description: format!("{} frames, {}.", pictures.len(), look(sample)),
        size: [left(pictures.len().max(1)) - GAP, 36.0 + height + 20.0],
        drawing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(noisy: bool, values: [f32; 2]) -> Sample {
        Sample {
            trajectory: 3,
            parameters: vec![("Reynolds".into(), 500.0)],
            noisy,
            frames: vec![4, 9],
            times: vec![0.4, 0.9],
            values: values.map(|value| vec![0.0, value, 0.0, value]).to_vec(),
        }
    }

    fn fields(samples: Vec<Sample>) -> SampleFields {
        SampleFields {
            system: "shear_flow".into(),
            data_checksum: "checksum".into(),
            channel: "tracer".into(),
            grid: [2, 2],
            context_frames: 16,
            noise: 0.5,
            samples,
        }
    }

    #[test]
    fn clean_samples_share_a_colour_scale_that_noisy_ones_do_not_change() {
        let clean = [sample(false, [1.0, 2.0]), sample(false, [2.0, 1.0])];
        let alone = sample_pictures(&fields(clean.to_vec())).expect("pictures");
        assert_eq!((&alone[0][0], &alone[0][1]), (&alone[1][1], &alone[1][0]), "the same values, the same colours");
        assert_ne!(alone[0][0], alone[0][1], "other values, other colours");
        let [one, other] = clean;
        let noisy = sample(true, [50.0, 90.0]);
        let mixed = sample_pictures(&fields(vec![one, noisy, other])).expect("pictures");
        assert_eq!((&mixed[0], &mixed[2]), (&alone[0], &alone[1]), "in the order of the samples");
    }

    #[test]
    fn the_figure_has_a_panel_per_sample_and_the_values_of_each_frame() {
        let figure = figure(&fields(vec![sample(false, [1.0, 3.0]), sample(true, [1.0, 3.0])])).expect("a figure");
        assert_eq!(figure.panels.len(), 2);
        let page = figure.inline().into_string();
        assert_eq!(page.matches("data:image/png;base64,").count(), 4);
        assert!(page.contains("2 of the 16 frames") && page.contains("standard deviation 0.5"), "{page}");
        let csv = String::from_utf8(figure.csv().expect("CSV")).expect("UTF-8");
        assert!(csv.contains("shear_flow,tracer,3,Reynolds 500,clean,9,0.9,0,1.5,3,1.5"), "{csv}");
        assert!(csv.contains(",noisy,4,0.4,"), "{csv}");
    }
}
