//! What encoders get to see: frames of two test trajectories, clean and under the suite's noise.

use std::path::Path;

use base64::{Engine, engine::general_purpose::STANDARD};
use maud::html;
use physrep_benchmarks::{
    Split,
    packed::{Packed, Window},
    systems,
};

use super::{
    figure::{Data, Figure, Panel, file_name},
    plot::px,
    rows::spaced,
};
use crate::{
    Error, Result,
    cell::Cell,
    observe::{Look, observe},
    plan::Plan,
    show::{self, number},
};

/// Frames of each film.
const FRAMES: usize = 4;
/// The width of a frame on paper, and the space between two.
const WIDTH: f64 = 96.0;
const GAP: f64 = 6.0;

/// A system's figure, or why there is none.
pub(super) fn figure(run: &Path, plan: &Plan, system: &str) -> Result<Figure, String> {
    let cells = plan.cells.iter().filter(|planned| planned.identity.system == system);
    let Some(cell) = cells.filter_map(|planned| planned.cell(run)).next() else {
        return Err("the description of its cells, cell.json, is not there".into());
    };
    // The data may have been on another machine; the numbers do not need it.
    let data = Packed::open(&cell.data.path).map_err(|_| "its packed data is not on this machine".to_owned())?;
    if data.header().checksum != cell.data.checksum {
        return Err("the packed data that is there is not what the cells were run on".into());
    }
    draw(&cell, &data).map_err(|error| error.to_string())
}

/// The window of each film: the middle one of the test trajectory with the lowest labels, and of that with the highest.
fn windows(cell: &Cell, data: &Packed) -> Option<[Window; 2]> {
    let windows = data.windows(Split::Test, &cell.suite.window_on(cell.system()));
    let sum = |window: &&Window| data.labels(window.trajectory).iter().sum::<f64>();
    let low = windows.iter().min_by(|a, b| sum(a).total_cmp(&sum(b)))?;
    let high = windows.iter().max_by(|a, b| sum(a).total_cmp(&sum(b)))?;
    let middle = |of: &Window| -> Option<Window> {
        let own: Vec<&Window> = windows.iter().filter(|window| window.trajectory == of.trajectory).collect();
        own.get(own.len() / 2).map(|window| **window)
    };
    Some([middle(low)?, middle(high)?])
}

fn draw(cell: &Cell, data: &Packed) -> Result<Figure> {
    let (system, header) = (cell.system(), data.header());
    let context = cell.suite.window.context;
    let [nx, ny] = header.grid();
    let fields = systems::named(system)?.fields();
    let channel = show::channel(system, &fields, header.channels.iter().map(|channel| channel.name.as_str()));
    let quantity = &header.channels[channel].name;
    let kept: Vec<usize> =
        (0..FRAMES.min(context)).map(|k| k * (context - 1) / (FRAMES.min(context) - 1).max(1)).collect();
    let noise = cell.suite.noise_on(system);

    let mut films = Vec::new();
    let mut frames = Vec::new();
    for window in windows(cell, data).into_iter().flatten() {
        let mut clean = vec![0.0; data.clip_len(context)];
        let mut observed = clean.clone();
        data.clip(window, context, &mut clean)?;
        observe(data, &cell.suite, window, context, Look::Probing, &mut observed)?;
        let looks = [("clean", clean), ("observed", observed)];
        for (look, clip) in looks.into_iter().take(if noise > 0.0 { 2 } else { 1 }) {
            films.push((window, look));
            let frame = |k: &usize| clip[(channel * context + k) * nx * ny..][..nx * ny].to_vec();
            frames.extend(kept.iter().map(frame));
        }
    }
    let wrong =
        |e: png::EncodingError| Error::Usage(format!("sample fields of {system}: cannot be written as PNG: {e}"));
    // One scale for what is clean, one for what noise has spread, so that neither is pale.
    let looks: Vec<&str> = films.iter().flat_map(|(_, look)| std::iter::repeat_n(*look, kept.len())).collect();
    let mut pictures = vec![Vec::new(); frames.len()];
    for look in ["clean", "observed"] {
        let places: Vec<usize> = (0..frames.len()).filter(|&place| looks[place] == look).collect();
        let of_look: Vec<Vec<f32>> = places.iter().map(|&place| frames[place].clone()).collect();
        let drawn = show::pictures(quantity, &of_look, [nx, ny]).map_err(wrong)?;
        places.into_iter().zip(drawn).for_each(|(place, picture)| pictures[place] = picture);
    }

    let columns = [
        "system",
        "channel",
        "trajectory",
        "parameters",
        "look",
        "frame",
        "time",
        "minimum",
        "mean",
        "maximum",
        "deviation",
    ];
    let mut rows = Data::new(&columns);
    let mut panels = Vec::new();
    for (place, (window, look)) in films.iter().enumerate() {
        let parameters: Vec<String> = header
            .scalings
            .iter()
            .zip(data.parameters(window.trajectory))
            .map(|(scaling, value)| format!("{} {}", scaling.name, number(*value)))
            .collect();
        let times: Vec<f64> = kept.iter().map(|k| (window.start + k) as f64 * header.dt).collect();
        let own = place * kept.len()..(place + 1) * kept.len();
        for ((frame, time), values) in kept.iter().zip(&times).zip(&frames[own.clone()]) {
            rows.push(statistics(values).map_or_else(Default::default, |[low, mean, high, deviation]| {
                [
                    system.into(),
                    quantity.clone(),
                    window.trajectory.to_string(),
                    parameters.join(", "),
                    (*look).into(),
                    (window.start + frame).to_string(),
                    time.to_string(),
                    low.to_string(),
                    mean.to_string(),
                    high.to_string(),
                    deviation.to_string(),
                ]
            }));
        }
        panels.push(panel(&parameters.join(", "), look, &times, &pictures[own], [nx, ny]));
    }
    let under = match noise {
        0.0 => "This suite adds no noise.".to_owned(),
        noise => format!(
            "Observed: as encoders see it, under Gaussian noise of deviation {noise}, the same for every method."
        ),
    };
    Ok(Figure {
        name: format!("samples-{}", file_name(system)),
        title: format!("{}: {quantity}.", spaced(system)),
        caption: format!(
            "{FRAMES} of the {context} frames of a window of two test trajectories, with low parameters and with high ones. {under} A pixel \
             is a point of the grid of {nx} × {ny}."
        ),
        columns: 2,
        panels,
        data: rows,
    })
}

/// The smallest value, the mean, the largest and the standard deviation.
fn statistics(values: &[f32]) -> Option<[f64; 4]> {
    let all = || values.iter().map(|&value| f64::from(value));
    let n = values.len() as f64;
    let mean = all().sum::<f64>() / n;
    let deviation = (all().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
    Some([all().reduce(f64::min)?, mean, all().reduce(f64::max)?, deviation])
}

fn panel(parameters: &str, look: &str, times: &[f64], pictures: &[Vec<u8>], [nx, ny]: [usize; 2]) -> Panel {
    let [width, height] = [WIDTH, WIDTH * (ny as f64 / nx as f64).clamp(0.25, 3.0)];
    let left = |place: usize| place as f64 * (width + GAP);
    let drawing = html! {
        text class="note" x="0" y="28" { (look) }
        @for (place, (picture, time)) in pictures.iter().zip(times).enumerate() {
            image x=(px(left(place))) y="36" width=(px(width)) height=(px(height)) preserveAspectRatio="none"
                href={ "data:image/png;base64," (STANDARD.encode(picture)) } {}
            text class="tick" text-anchor="middle" x=(px(left(place) + width / 2.0)) y=(px(36.0 + height + 14.0)) {
                "t = " (number(*time))
            }
        }
    };
    Panel {
        title: parameters.to_owned(),
        description: format!("{} frames, {look}.", pictures.len()),
        size: [left(FRAMES) - GAP, 36.0 + height + 20.0],
        drawing,
    }
}
