//! Throughput of the dataloader on a packed file in the page cache, compared with memcpy of the same number of bytes.
//!
//! `cargo bench -p physrep-runner --bench prefetch`. Batches are 8 windows of 16 + 16 frames of 4 channels.

#[path = "../../../tests/support/packed_file.rs"]
#[allow(missing_docs)]
mod pack;

use std::{hint::black_box, thread};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pack::Form;
use physrep_benchmarks::{
    packed::{NoiseStream, Packed, Window, load_clip},
    suite::Suite,
};
use physrep_runner::{Loader, PrefetchSettings, Staging};

const BATCH: usize = 8;
const FRAMES: usize = 32;
const FRAMES_STORED: usize = 64;

fn loading(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut group = c.benchmark_group("loader");
    for side in [64, 128] {
        let path = folder.path().join(format!("{side}.pack"));
        Form { trajectories: 6, channels: 4, frames: FRAMES_STORED, grid: [side; 2] }.write(&path);
        let data = Packed::open(&path).expect("opens");
        let clip_len = data.clip_len(FRAMES);
        let bytes = BATCH * clip_len * size_of::<f32>();
        group.throughput(Throughput::Bytes(bytes as u64));

        // Sources as many as the file's windows, so that both read memory rather than the cache.
        let sources: Vec<Vec<f32>> = (0..4).map(|i| vec![i as f32; BATCH * clip_len]).collect();
        let mut out = vec![0f32; BATCH * clip_len];
        let mut turn = 0;
        group.bench_function(BenchmarkId::new("memcpy", side), |b| {
            b.iter(|| {
                turn = (turn + 1) % sources.len();
                out.copy_from_slice(black_box(&sources[turn]));
                black_box(&mut out);
            });
        });
        for (name, noise, threads) in
            [("clean_1_thread", 0.0, 1), ("clean_2_threads", 0.0, 2), ("noise_1_thread", 1.0, 1)]
        {
            let mut suite = Suite::load("tiny").expect("a suite");
            suite.noise = noise;
            group.bench_function(BenchmarkId::new(name, side), |b| {
                thread::scope(|scope| {
                    let plan = PrefetchSettings { batch: BATCH, threads, staging: Staging::default() };
                    let fill = |&sample: &u64, clip: &mut [f32]| {
                        let start = sample as usize * 5 % (FRAMES_STORED - FRAMES);
                        let window = Window { trajectory: sample as usize % 6, start };
                        Ok(load_clip(&data, &suite, window, FRAMES, NoiseStream::Pretraining(sample), clip)?)
                    };
                    let loader = Loader::spawn(scope, plan, 0.., |_| clip_len, fill).expect("threads start");
                    b.iter(|| {
                        black_box(loader.next().expect("no error"));
                    });
                });
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = loading
}
criterion_main!(benches);
