//! Embeddings of all splits: what the probes see of an encoder.

mod stored;

use std::{collections::BTreeMap, thread};

use physrep_benchmarks::{
    Split,
    packed::{Packed, Window},
    systems::Boundary,
};
use rayon::prelude::*;

use crate::{
    Error, Result,
    cell::Cell,
    device::staging::{Place, Staging},
    loader::{Batch, Loader, Plan, threads_beside_computation},
    observe::{Look, observe},
    plugin::{Geometry, Session},
    probe::{self, Embeddings, Labels, features::Extractor},
};

pub use stored::Stored;

/// Clips in a batch of encoding.
const BATCH: usize = 16;

/// The embeddings and labels of every split there is.
pub type Embedded = BTreeMap<Split, probe::Split>;

/// Embeds all windows of `splits`, as far as there are such, with `session`; `report` hears how many of how many are done.
pub fn with_session(
    cell: &Cell,
    data: &Packed,
    session: &Session<'_>,
    splits: &[Split],
    report: impl FnMut(u64, u64) -> Result<()>,
) -> Result<Embedded> {
    let (geometry, system) = (Geometry::of(data.header()), cell.index());
    each_split(cell, data, splits, session.place(), report, |clips, count| {
        let tokens = session.encode(clips.lend(), geometry.shape(count, cell.suite.window.context), system)?;
        Ok((tokens.values, tokens.shape[1], tokens.shape[2]))
    })
}

/// Describes all windows of all splits by hand-made statistics, one token a window.
pub fn with_features(cell: &Cell, data: &Packed, report: impl FnMut(u64, u64) -> Result<()>) -> Result<Embedded> {
    let geometry = Geometry::of(data.header());
    let channels: Vec<String> = geometry.channels.iter().map(|channel| channel.name.clone()).collect();
    let periodic = geometry.boundary.map(|boundary| boundary == Boundary::Periodic);
    let extractor = Extractor::new(&channels, cell.suite.window.context, geometry.size(), periodic)?;
    each_split(cell, data, &Split::ALL, Place::Host, report, |clips, count| {
        let rows: Vec<Vec<f32>> = clips
            .par_chunks_exact(clips.len() / count)
            .map(|clip| extractor.features(clip))
            .collect::<std::result::Result<_, _>>()?;
        Ok((rows.concat(), 1, extractor.names().len()))
    })
}

/// Shows the probes nothing but the labels: one token that is always zero.
pub fn with_nothing(cell: &Cell, data: &Packed) -> Result<Embedded> {
    each_split(cell, data, &Split::ALL, Place::Host, |_, _| Ok(()), |_, count| Ok((vec![0.0; count], 1, 1)))
}

/// Runs `embed` over batches of the splits' context windows: it gets `count` clips `(count, C, T, H, W)` and returns their tokens
/// with the number and the length of a clip's tokens.
fn each_split(
    cell: &Cell,
    data: &Packed,
    splits: &[Split],
    place: Place,
    mut report: impl FnMut(u64, u64) -> Result<()>,
    mut embed: impl FnMut(&Batch<'_>, usize) -> Result<(Vec<f32>, usize, usize)>,
) -> Result<Embedded> {
    let frames = cell.suite.window.context;
    let clip_len = data.clip_len(frames);
    let cut = cell.suite.window_on(cell.system());
    let windows = |split| data.windows(split, &cut);
    let splits: Vec<Split> = data.header().splits().filter(|split| splits.contains(split)).collect();
    let total = splits.iter().map(|&split| windows(split).len() as u64).sum();
    let staging = Staging::at(place);
    let mut done = 0;
    let mut one = |split: Split| -> Result<probe::Split> {
        let windows = windows(split);
        let mut embeddings = Embeddings { values: Vec::new(), n: windows.len(), tokens: 0, dim: 0 };
        let plan = Plan { batch: BATCH, threads: threads_beside_computation(), staging: staging.clone() };
        thread::scope(|scope| -> Result<()> {
            let loader = Loader::spawn(
                scope,
                plan,
                windows.iter(),
                |_| clip_len,
                |&&window, clip| observe(data, &cell.suite, window, frames, Look::Probing, clip),
            )?;
            while let Some(clips) = loader.next()? {
                let count = clips.len() / clip_len;
                let (values, tokens, dim) = embed(&clips, count)?;
                if !embeddings.values.is_empty() && (tokens, dim) != (embeddings.tokens, embeddings.dim) {
                    return Err(Error::Method {
                        method: cell.method().to_owned(),
                        message: format!(
                            "embeddings changed from (tokens, dim) = {:?} to {:?} between batches",
                            (embeddings.tokens, embeddings.dim),
                            (tokens, dim)
                        ),
                    });
                }
                (embeddings.tokens, embeddings.dim) = (tokens, dim);
                embeddings.values.extend(values);
                done += count as u64;
                report(done, total)?;
            }
            Ok(())
        })?;
        Ok(probe::Split::new(split.name(), embeddings, labels(data, &windows))?)
    };
    splits.iter().map(|&split| Ok((split, one(split)?))).collect()
}

/// The scaled labels of windows.
pub fn labels(data: &Packed, windows: &[Window]) -> Labels {
    Labels {
        values: windows.iter().flat_map(|w| data.labels(w.trajectory)).map(|&label| label as f32).collect(),
        names: data.header().scalings.iter().map(|scaling| scaling.name.clone()).collect(),
        trajectory: windows.iter().map(|window| window.trajectory as u32).collect(),
    }
}
