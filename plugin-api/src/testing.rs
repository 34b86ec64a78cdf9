//! For the tests of a method: setups, batches and steps as the host makes them, and [`conformance!`](crate::conformance).
//!
//! ```
//! # use physrep_plugin_api::{Batch, DType, Device, Params, testing};
//! let setup = testing::setup(4, [32, 32]);
//! let params = Params::new(DType::F32, &Device::Cpu, setup.seed);
//! let batch: Batch = testing::batch(&setup, 1);   // (4, 4, 32, 32, 32): for `loss`
//! let clips: Batch = testing::clips(&setup, 2, 1); // (2, 4, 16, 32, 32): for `encode`
//! let step = testing::step(&setup, 0);
//! # assert_eq!((batch.clips.dims(), clips.clips.dims()), (&[4, 4, 32, 32, 32][..], &[2, 4, 16, 32, 32][..]));
//! # assert_eq!((step.index(), step.total()), (0, 50));
//! ```

mod in_process;
mod synthetic;

use candle_core::Device;
use physrep_conformance::{CHECKS, Clips, Outcome, Setting, SystemShape};

use crate::{Batch, Method, Setup, Step};
use in_process::InProcess;
use synthetic::{geometry, tensor};

/// A setup for clips of `channels` scalar fields on a periodic grid of `size` points: 16 frames of context and 16 after them, batches of 4,
/// 50 steps, on the CPU.
pub fn setup(channels: usize, size: [usize; 2]) -> Setup {
    let spec = Setting::default().spec;
    Setup {
        systems: vec![geometry(SystemShape { channels, size })],
        context_frames: spec.context_frames,
        future_frames: spec.future_frames,
        batch_size: spec.batch,
        pretrain_steps: spec.steps,
        device: Device::Cpu,
        seed: spec.seed,
        scratch_dir: std::env::temp_dir(),
    }
}

/// A pretraining batch of the setup's first system, `(B, C, T, H, W)` with `T = context_frames + future_frames`: waves that travel, with
/// noise.
pub fn batch(setup: &Setup, seed: u64) -> Batch {
    waves(setup, setup.batch_size, setup.context_frames + setup.future_frames, seed)
}

/// Clips of the setup's first system to encode, `(clips, C, T, H, W)` with `T = context_frames`.
pub fn clips(setup: &Setup, clips: usize, seed: u64) -> Batch {
    waves(setup, clips, setup.context_frames, seed)
}

/// The step of a pretraining with this index. Its metrics and log lines go nowhere.
pub fn step(setup: &Setup, index: u64) -> Step {
    Step { index, total: setup.pretrain_steps, seed: setup.seed, host: in_process::host() }
}

/// Runs the check of this name on a method with `config`; see [`conformance!`](crate::conformance).
///
/// # Panics
/// If the check fails, with what was found, why it matters and how to mend it.
#[doc(hidden)]
#[track_caller]
pub fn check<M: Method>(name: &str, config: serde_json::Value) {
    let check = CHECKS.iter().find(|check| check.name == name).expect("the macro names checks that exist");
    let mut setting = Setting::default();
    setting.spec.config = config;
    match check.run(&InProcess::<M>::new(), &setting) {
        Outcome::Failed(found) => panic!("{}: {found}\nwhy: {}\nmend: {}", check.what, check.why, check.mend),
        Outcome::Passed(_) | Outcome::Skipped(_) => {}
    }
}

fn waves(setup: &Setup, clips: usize, frames: usize, seed: u64) -> Batch {
    let system = &setup.systems[0];
    let [height, width] = system.size();
    tensor(&Clips::waves([clips, system.channels.len(), frames, height, width], seed), 0)
}

/// Tests a [`Method`] as `physrep-bench check` does, one `#[test]` for each check, in the test's own process.
///
/// The crate needs `crate-type = ["cdylib", "rlib"]`, so that a test can link it. In `tests/conformance.rs`:
///
/// ```ignore
/// physrep_plugin_api::conformance!(my_method::MyMethod);
/// ```
///
/// A second argument overrides keys of the configuration: `conformance!(MyMethod, { "dim": 8 })`. The checks train and encode many small
/// clips, so a configuration should be small.
#[macro_export]
macro_rules! conformance {
    ($method:ty) => { $crate::conformance!($method, {}); };
    ($method:ty, $config:tt) => {
        $crate::conformance!(@tests $method, $config,
            name "name", summary "summary", works "works", defaults "defaults", keys "keys", unknown_key "unknown-key",
            encoder_parameters "encoder-parameters", complete_parameters "complete-parameters",
            encoder_alone "encoder-alone", all_of_encoder "all-of-encoder", trained_parameters "trained-parameters",
            same_seed "same-seed", other_seed "other-seed", finite_loss "finite-loss", same_loss "same-loss",
            falling_loss "falling-loss", gradients "gradients", distinct_tokens "distinct-tokens",
            independent_clips "independent-clips", encode_changes_nothing "encode-changes-nothing",
            save_load_save "save-load-save", resume "resume", no_other_state "no-other-state", grids "grids",
            joint_pretraining "joint-pretraining", end_to_end "end-to-end");
    };
    (@tests $method:ty, $config:tt, $($test:ident $name:literal),*) => {
        $(
            #[test]
            fn $test() {
                $crate::testing::check::<$method>($name, $crate::__private::json!($config));
            }
        )*
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_macro_names_every_check_that_a_process_of_its_own_is_not_needed_for() {
        let source = include_str!("testing.rs");
        let elsewhere = ["suites", "size-of-tokens", "threads", "memory", "time"];
        for check in CHECKS {
            let named = source.contains(&format!("{} \"{}\"", check.name.replace('-', "_"), check.name));
            assert_eq!(named, !elsewhere.contains(&check.name), "{}", check.name);
        }
    }
}
