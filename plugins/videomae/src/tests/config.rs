//! Which configurations are valid, and why others are refused.

use physrep_plugin_api::{
    Batch, BoundaryCondition, Channel, Error, Geometry, Method, Setup,
    candle_core::{DType, Device, Tensor},
};

use super::support::params;
use crate::{
    VideoMae,
    config::{Config, Size},
};

fn setup(size: [usize; 2], context_frames: usize) -> Setup {
    let channel = |name: &str| Channel { field: name.into(), name: name.into(), rank: 0, component: [0, 0] };
    Setup {
        systems: vec![Geometry {
            channels: vec![channel("tracer"), channel("pressure")],
            coordinates: size.map(|n| (0..n).map(|i| i as f64).collect()),
            boundaries: [BoundaryCondition::Periodic; 2],
            time_step: 0.1,
        }],
        context_frames,
        future_frames: context_frames,
        batch_size: 2,
        pretrain_steps: 4,
        device: Device::Cpu,
        seed: 0,
        scratch_dir: std::env::temp_dir(),
    }
}

fn tiny() -> Config {
    Config { size: Size::Tiny, dim: Some(24), depth: Some(1), ..Config::default() }
}

#[test]
fn sizes_and_their_overrides() {
    for (config, dim, depth) in [
        (Config { size: Size::Tiny, ..Config::default() }, 192, 12),
        (Config { dim: Some(48), depth: Some(2), ..Config::default() }, 48, 2),
    ] {
        let params = params(DType::F32, 0);
        VideoMae::new(&config, &setup([16, 32], 4), &params).unwrap();
        let encoder = params.pp("encoder").named();
        let shape = |name: &str| encoder.iter().find(|(n, _)| n == name).map(|(_, var)| var.dims().to_vec());
        assert_eq!(shape("patch_embed.proj.weight"), Some(vec![dim, 2, 2, 2, 2]));
        assert!(shape(&format!("blocks.{}.norm1.weight", depth - 1)).is_some());
        assert!(shape(&format!("blocks.{depth}.norm1.weight")).is_none());
    }
}

#[test]
fn all_tubelets_are_encoded() {
    let method = VideoMae::new(&tiny(), &setup([16, 32], 4), &params(DType::F32, 0)).unwrap();
    let clips = Tensor::zeros((3, 2, 4, 16, 32), DType::F32, &Device::Cpu).unwrap();
    let tokens = method.encode(&Batch { clips, system: 0 }).unwrap();
    assert_eq!(tokens.dims(), [3, 2 * 8 * 16, 24]);
}

#[test]
fn what_cannot_be_built_is_a_configuration_error() {
    let refuse = |config: Config, reason: &str| match VideoMae::new(
        &config,
        &setup([16, 24], 4),
        &params(DType::F32, 0),
    )
    .err()
    {
        Some(Error::Config(message)) => assert!(message.contains(reason), "{message}"),
        other => panic!("{other:?} for {reason}"),
    };
    refuse(Config { patch: Some(16), ..tiny() }, "`patch` (=16) must divide both sides of 16x24 points: 1, 2, 4, 8 do");
    refuse(Config { tubelet: 3, ..tiny() }, "`tubelet` (=3) must divide the 4 frames of a clip: 1, 2, 4 do");
    refuse(Config { heads: Some(5), ..tiny() }, "the encoder's `dim` (=24) must be a multiple of its `heads` (=5)");
    refuse(Config { dim: Some(0), ..tiny() }, "the encoder's `dim` (=0)");
    let mut config = tiny();
    config.decoder.depth = 0;
    refuse(config, "the decoder's `dim` (=192), `depth` (=0)");
    refuse(Config { mask_ratio: 1.0, ..tiny() }, "`mask_ratio` (=1) hides 96 of 96 patches");
    refuse(Config { mask_ratio: f64::NAN, ..tiny() }, "`mask_ratio` (=NaN) hides 0 of 96 patches");
    refuse(Config { mask_ratio: -0.5, ..tiny() }, "hides 0 of 96 patches");
    refuse(Config { patch: Some(1), tubelet: 1, ..tiny() }, "set `norm_target` to false");
}
