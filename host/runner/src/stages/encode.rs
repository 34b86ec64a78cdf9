//! Encoding: computes the embeddings of all windows.

use std::thread;

use physrep_benchmarks::{
    Split,
    packed::{NoiseStream, Packed, Window, load_clip},
    systems::Boundary,
};
use physrep_evaluation::{Embeddings, FeatureExtractor};
use physrep_records::Cell;
use rayon::prelude::*;

use super::{embedded_splits::EmbeddedSplits, order::EncodingOrder};
use crate::{
    device::Staging,
    error::{Error, Result},
    method_process::MethodProcess,
    plugin::Geometry,
    prefetch::{Loader, PrefetchSettings, PrefetchedBatch, threads_beside_computation},
};

/// Clips per batch.
const BATCH: usize = 16;

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
    let order = EncodingOrder::of(&cell.suite, data, splits);
    let windows = order.windows();
    let (mut done, total) = (0, windows.len() as u64);
    report(done, total)?;
    let embeddings = embed_windows(cell, data, &windows, BATCH, staging, &mut |clips, count| {
        let tokens = embed(clips, count)?;
        done += count as u64;
        report(done, total)?;
        Ok(tokens)
    })?;
    order.by_split(data, &embeddings)
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
