//! Encoding: computes the embeddings of all windows.

use std::{collections::BTreeMap, thread};

use physrep_benchmarks::{
    Split,
    packed::{NoiseStream, Packed, Window, load_clip},
    systems::Boundary,
};
use physrep_evaluation::{Embeddings, FeatureExtractor, LabelledEmbeddings};
use physrep_random::Stream;
use physrep_records::Cell;
use physrep_statistics::Labels;
use rayon::prelude::*;

use crate::{
    device::Staging,
    error::{Error, Result},
    method_process::MethodProcess,
    plugin::Geometry,
    prefetch::{Loader, PrefetchSettings, PrefetchedBatch, threads_beside_computation},
};

/// Clips per batch.
const BATCH: usize = 16;

/// The embeddings and labels of each split.
pub type EmbeddedSplits = BTreeMap<Split, LabelledEmbeddings>;

/// Embeds all windows of those of `splits` that the data has, with `method`. `report` gets the number of windows done and their total.
pub(crate) fn with_method(
    cell: &Cell,
    data: &Packed,
    method: &mut MethodProcess,
    splits: &[Split],
    report: impl FnMut(u64, u64) -> Result<()>,
) -> Result<EmbeddedSplits> {
    let (geometry, system) = (Geometry::of(data.header()), cell.index());
    each_split(cell, data, splits, &method.staging(), report, |clips, count| {
        let tokens = method.encode(clips.part()?, geometry.shape(count, cell.suite.window.context), system)?;
        Ok((tokens.values, tokens.shape[1], tokens.shape[2]))
    })
}

/// Embeds all windows of all splits by hand-made statistics, one token per window. `report` gets the number of windows done and their
/// total.
pub fn with_features(cell: &Cell, data: &Packed, report: impl FnMut(u64, u64) -> Result<()>) -> Result<EmbeddedSplits> {
    let geometry = Geometry::of(data.header());
    let channels: Vec<String> = geometry.channels.iter().map(|channel| channel.name.clone()).collect();
    let periodic = geometry.boundary.map(|boundary| boundary == Boundary::Periodic);
    let extractor = FeatureExtractor::new(&channels, cell.suite.window.context, geometry.size(), periodic)?;
    each_split(cell, data, &Split::ALL, &Staging::default(), report, |clips, count| {
        let rows: Vec<Vec<f32>> = clips
            .par_chunks_exact(clips.len() / count)
            .map(|clip| extractor.features(clip))
            .collect::<physrep_evaluation::Result<_>>()?;
        Ok((rows.concat(), 1, extractor.names().len()))
    })
}

/// Embeds all windows of all splits as one zero token, so that probes depend only on the labels.
pub fn with_zeros(cell: &Cell, data: &Packed) -> Result<EmbeddedSplits> {
    each_split(cell, data, &Split::ALL, &Staging::default(), |_, _| Ok(()), |_, count| Ok((vec![0.0; count], 1, 1)))
}

/// The tokens of a batch, the number of tokens per clip and their dimensions.
type Tokens = (Vec<f32>, usize, usize);

/// Embeds `windows` in batches of `batch`, as they follow each other, with `method`.
pub(super) fn windows_with_method(
    cell: &Cell,
    data: &Packed,
    method: &mut MethodProcess,
    windows: &[Window],
    batch: usize,
) -> Result<Embeddings> {
    let (geometry, system) = (Geometry::of(data.header()), cell.index());
    embed_windows(cell, data, windows, batch, &method.staging(), &mut |clips, count| {
        let tokens = method.encode(clips.part()?, geometry.shape(count, cell.suite.window.context), system)?;
        Ok((tokens.values, tokens.shape[1], tokens.shape[2]))
    })
}

/// Runs `embed` on the context windows of the splits, in the order that the suite's seed draws.
fn each_split(
    cell: &Cell,
    data: &Packed,
    splits: &[Split],
    staging: &Staging,
    mut report: impl FnMut(u64, u64) -> Result<()>,
    mut embed: impl FnMut(&PrefetchedBatch<'_>, usize) -> Result<Tokens>,
) -> Result<EmbeddedSplits> {
    let window_plan = cell.suite.window_on(cell.system());
    let splits = data.header().splits().filter(|split| splits.contains(split));
    let splits: Vec<(Split, Vec<Window>)> = splits.map(|split| (split, data.windows(split, &window_plan))).collect();
    let windows: Vec<Window> = splits.iter().flat_map(|(_, windows)| windows).copied().collect();
    // Neither its number nor its neighbours in a batch may tell a method which split or trajectory a window is of.
    let order = Stream::new(cell.suite.seed, "order of encoding", 0).permutation(windows.len());
    let shuffled: Vec<Window> = order.iter().map(|&index| windows[index as usize]).collect();
    let (mut done, total) = (0, windows.len() as u64);
    report(done, total)?;
    let embeddings = embed_windows(cell, data, &shuffled, BATCH, staging, &mut |clips, count| {
        let tokens = embed(clips, count)?;
        done += count as u64;
        report(done, total)?;
        Ok(tokens)
    })?;
    let Embeddings { tokens, dim, .. } = embeddings;
    let sorted = in_order(&embeddings.values, &order);
    let mut rest = sorted.as_slice();
    let mut of_split = |(split, windows): (Split, Vec<Window>)| -> Result<(Split, LabelledEmbeddings)> {
        let values = rest.split_off(..windows.len() * tokens * dim).expect("a row for each window").to_vec();
        let embeddings = Embeddings { values, n: windows.len(), tokens, dim };
        Ok((split, LabelledEmbeddings::new(split.name(), embeddings, labels(data, &windows))?))
    };
    splits.into_iter().map(&mut of_split).collect()
}

/// Runs `embed` on batches of context windows: it gets `count` clips `(count, C, T, H, W)`.
fn embed_windows(
    cell: &Cell,
    data: &Packed,
    windows: &[Window],
    batch: usize,
    staging: &Staging,
    embed: &mut dyn FnMut(&PrefetchedBatch<'_>, usize) -> Result<Tokens>,
) -> Result<Embeddings> {
    let frames = cell.suite.window.context;
    let clip_len = data.clip_len(frames);
    let mut embeddings = Embeddings { values: Vec::new(), n: windows.len(), tokens: 0, dim: 0 };
    let settings = PrefetchSettings { batch, threads: threads_beside_computation(), staging: staging.clone() };
    thread::scope(|scope| -> Result<()> {
        let loader = Loader::spawn(
            scope,
            settings,
            windows.iter(),
            |_| clip_len,
            |&&window, clip| Ok(load_clip(data, &cell.suite, window, frames, NoiseStream::Encoding, clip)?),
        )?;
        while let Some(clips) = loader.next()? {
            let (values, tokens, dim) = embed(&clips, clips.len() / clip_len)?;
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
        }
        Ok(())
    })?;
    Ok(embeddings)
}

/// The rows of `values`, of which row `i` belongs to place `order[i]`, in their places.
fn in_order(values: &[f32], order: &[u32]) -> Vec<f32> {
    let mut sorted = vec![0.0; values.len()];
    let length = values.len() / order.len().max(1);
    for (row, &place) in values.chunks_exact(length.max(1)).zip(order) {
        sorted[place as usize * length..][..length].copy_from_slice(row);
    }
    sorted
}

/// The number of windows in all splits.
pub fn window_count(embedded: &EmbeddedSplits) -> u64 {
    embedded.values().map(|split| split.n() as u64).sum()
}

/// The scaled labels of windows, `(N, P)`.
pub fn labels(data: &Packed, windows: &[Window]) -> Labels {
    Labels {
        values: windows.iter().flat_map(|w| data.labels(w.trajectory)).map(|&label| label as f32).collect(),
        names: data.header().scalings.iter().map(|scaling| scaling.name.clone()).collect(),
        trajectory: windows.iter().map(|window| window.trajectory as u32).collect(),
    }
}
