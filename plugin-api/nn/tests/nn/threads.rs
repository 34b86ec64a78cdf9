//! The same seed gives the same bytes, for any number of threads.

use std::process::Command;

use candle_core::{DType, Device};
use physrep_nn::{AdamW, AdamWConfig, Params, Rng};

use crate::gradient_flow::Network;

/// The parameters after two training steps, as bits.
fn train() -> Vec<u32> {
    let params = Params::new(DType::F32, &Device::Cpu, 9);
    let network = Network::new(&params).unwrap();
    let mut optimizer = AdamW::new(params.named(), AdamWConfig::default()).unwrap();
    for step in 0..2 {
        let mut rng = Rng::new(9, "clips", step);
        let clips = rng.normal((5, 2, 21, 24, 2), DType::F32, &Device::Cpu).unwrap();
        let loss = network.forward(&clips).unwrap().sqr().unwrap().mean_all().unwrap();
        optimizer.step(&loss.backward().unwrap(), 1e-2).unwrap();
    }
    let bits = |(_, var): (String, candle_core::Var)| {
        let flat: Vec<f32> = var.flatten_all().unwrap().to_vec1().unwrap();
        flat.into_iter().map(f32::to_bits)
    };
    params.named().into_iter().flat_map(bits).collect()
}

#[test]
fn pools_of_one_two_and_three_threads_agree() {
    let trained = [1, 2, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(train)
    });
    assert!(trained[0] == trained[1] && trained[1] == trained[2]);
}

const DIGEST: &str = "digest of the trained parameters: ";

/// Prints a digest for the test below, which runs this one in separate processes: candle's matrix product takes the
/// number of threads from the environment, not from the current pool.
#[test]
#[ignore = "run by processes_of_one_and_two_threads_agree"]
fn print_digest() {
    let digest = train()
        .into_iter()
        .fold(0u64, |digest, bits| digest.rotate_left(5).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(bits));
    println!("{DIGEST}{digest:016x}");
}

#[test]
fn processes_of_one_and_two_threads_agree() {
    let digests = ["1", "2"].map(|threads| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "threads::print_digest", "--nocapture"])
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find_map(|line| line.split(DIGEST).nth(1));
        line.unwrap_or_else(|| panic!("no digest in {text}")).to_string()
    });
    assert_eq!(digests[0], digests[1]);
}
