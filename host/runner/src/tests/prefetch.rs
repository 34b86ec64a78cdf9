//! The dataloader: prefetching changes neither a byte nor an error, and stops when the loader is dropped.

use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use physrep_benchmarks::{
    packed::{NoiseStream, Packed, Window, load_clip},
    suite::Suite,
};

use super::packed_file::Form;
use crate::{
    device::Staging,
    error::{Error, Result},
    prefetch::{Loader, PrefetchSettings},
};

const FORM: Form = Form { trajectories: 3, channels: 2, frames: 9, grid: [5, 3] };
const FRAMES: usize = 4;

fn packed(folder: &Path) -> Packed {
    let path = folder.join("made.pack");
    FORM.write(&path);
    Packed::open(&path).expect("opens")
}

/// Windows in an irregular order; if `damaged`, every fifth one is beyond the end.
fn windows(damaged: bool) -> Vec<(Window, NoiseStream)> {
    let window = |i: usize| Window { trajectory: i * 7 % 3, start: if damaged && i % 5 == 4 { 8 } else { i * 5 % 6 } };
    (0..11).map(|i| (window(i), NoiseStream::Pretraining(i as u64))).collect()
}

/// All batches of `windows` loaded by `threads` threads, or those before an error, and the error.
fn load(data: &Packed, windows: &[(Window, NoiseStream)], threads: usize) -> (Vec<Vec<f32>>, Option<Error>) {
    let suite = Suite::load("tiny").expect("a suite");
    let clip_len = data.clip_len(FRAMES);
    let mut batches = Vec::new();
    let failed = thread::scope(|scope| -> Result<()> {
        let settings = PrefetchSettings { batch: 3, threads, staging: Staging::default() };
        let fill = |&&(window, noise): &&(Window, NoiseStream), clip: &mut [f32]| {
            Ok(load_clip(data, &suite, window, FRAMES, noise, clip)?)
        };
        let loader = Loader::spawn(scope, settings, windows.iter(), |_| clip_len, fill)?;
        while let Some(batch) = loader.next()? {
            batches.push(batch.to_vec());
        }
        Ok(())
    });
    (batches, failed.err())
}

#[test]
fn batches_are_the_bytes_of_the_sequential_path_for_any_number_of_threads() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = packed(folder.path());
    let suite = Suite::load("tiny").expect("a suite");
    let mut expected = Vec::new();
    for (window, noise) in windows(false) {
        let mut clip = vec![0.0; data.clip_len(FRAMES)];
        load_clip(&data, &suite, window, FRAMES, noise, &mut clip).expect("observed");
        expected.push(clip);
    }
    for threads in [1, 2, 3] {
        let (batches, failed) = load(&data, &windows(false), threads);
        assert!(failed.is_none(), "{failed:?}");
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 3, 2].map(|n| n * data.clip_len(FRAMES)));
        let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&batches.concat()), bits(&expected.concat()), "{threads} threads");
    }
}

#[test]
fn an_error_is_returned_with_the_batch_that_needed_the_clip() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = packed(folder.path());
    for threads in [1, 3] {
        let (batches, failed) = load(&data, &windows(true), threads);
        assert_eq!(batches.len(), 1, "clip 4 is in the second batch");
        let message = failed.expect("an error").to_string();
        assert!(
            message.contains("made.pack") && message.contains("4 frames from frame 8 of trajectory 1"),
            "{message}"
        );
    }
}

#[test]
fn dropping_the_loader_ends_its_threads_and_it_prefetches_one_batch() {
    let filled = AtomicUsize::new(0);
    let clock = Instant::now();
    thread::scope(|scope| {
        let settings = PrefetchSettings { batch: 2, threads: 2, staging: Staging::default() };
        let loader = Loader::spawn(
            scope,
            settings,
            0u64..,
            |_| 8,
            |&item, clip| {
                filled.fetch_add(1, Ordering::Relaxed);
                clip.fill(item as f32);
                Ok(())
            },
        )
        .expect("threads start");
        let mut buffers = Vec::new();
        for step in 0..100u64 {
            let batch = loader.next().expect("no error").expect("items never end");
            let expected = [2.0 * step as f32, 2.0 * step as f32 + 1.0];
            assert_eq!([batch[0], batch[15]], expected);
            buffers.push(batch.as_ptr());
        }
        // Two buffers alternate: nothing is allocated while it runs.
        buffers.sort();
        buffers.dedup();
        assert_eq!(buffers.len(), 2);
    });
    // The scope has waited for the thread that fills batches, whose items never end.
    assert!(clock.elapsed() < Duration::from_secs(60));
    assert!(filled.into_inner() <= 2 * 102, "one batch is lent and one filled");
}

#[test]
fn batches_of_different_lengths_share_the_same_buffers() {
    for threads in [1, 3] {
        thread::scope(|scope| {
            let settings = PrefetchSettings { batch: 2, threads, staging: Staging::default() };
            // Batches of long, short and middling clips, so that each buffer gets to hold every length.
            let clip_len = |item: &usize| [8, 3, 5][item / 2 % 3];
            let fill = |&item: &usize, clip: &mut [f32]| {
                clip.fill(item as f32);
                Ok(())
            };
            let loader = Loader::spawn(scope, settings, 0..61, clip_len, fill).expect("threads start");
            let mut buffers = Vec::new();
            for first in (0..61).step_by(2) {
                let batch = loader.next().expect("no error").expect("a batch");
                let items = first..(first + 2).min(61);
                let expected: Vec<f32> = items.flat_map(|item| vec![item as f32; clip_len(&item)]).collect();
                assert_eq!(*batch, *expected);
                if first > 12 {
                    buffers.push(batch.as_ptr());
                }
            }
            assert!(loader.next().expect("no error").is_none());
            buffers.sort();
            buffers.dedup();
            assert_eq!(buffers.len(), 2);
        });
    }
}
