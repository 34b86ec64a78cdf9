//! Sizes, default patches, and which configurations are refused.

use physrep_plugin_api::{BoundaryCondition::Periodic, DType, Error, Geometry, Method, Params};

use super::support::{setup, small, system};
use crate::{
    Mpp,
    config::{Config, Shape, Size},
};

fn square(points: u32) -> Vec<Geometry> {
    vec![system(&["tracer"], [points; 2], [Periodic; 2])]
}

#[test]
fn the_default_is_the_paper_s_at_224_points() {
    let shape = Config::default().shape(&square(224)).unwrap();
    assert_eq!(shape, Shape { dim: 192, heads: 3, depth: 12, patch: 16 });
    let large = Config { size: Size::Large, depth: Some(2), ..Config::default() };
    assert_eq!(large.shape(&square(224)).unwrap(), Shape { dim: 1024, heads: 16, depth: 2, patch: 16 });
}

#[test]
fn patches_shrink_with_the_smallest_grid() {
    for (points, patch) in [(224, 16), (128, 16), (120, 8), (64, 8), (56, 4), (32, 4), (16, 4)] {
        assert_eq!(Config::default().shape(&square(points)).unwrap().patch, patch, "{points}");
    }
    let both = [square(128), square(32)].concat();
    assert_eq!(Config::default().shape(&both).unwrap().patch, 4);
    assert_eq!(Config { patch: Some(16), ..Config::default() }.shape(&both).unwrap().patch, 16);
}

#[test]
fn configurations_that_do_not_fit_are_refused_with_a_reason() {
    let default = Config::default;
    let cases = [
        (Config { dim: Some(30), ..default() }, "`dim` (=30) must be a positive multiple of 4"),
        (Config { heads: Some(5), ..default() }, "`heads` (=5) must divide `dim` (=192)"),
        (Config { heads: Some(0), ..default() }, "`heads` (=0) must divide"),
        (Config { depth: Some(0), ..default() }, "`depth` (=0) must be 1 or more"),
        (Config { patch: Some(5), ..default() }, "`patch` (=5) must be 4, 8 or 16"),
        (
            Config { patch: Some(16), ..default() },
            "a grid of 40 x 40 points must be cut into at least two whole patches",
        ),
        (Config { layer_scale: 0.0, ..default() }, "`layer_scale` (=0) must be a number other than 0"),
        (Config { drop_path: 1.0, ..default() }, "`drop_path` (=1) must be in [0, 1)"),
    ];
    for (config, expected) in cases {
        let Err(Error::Config(why)) = config.shape(&square(40)) else { panic!("{expected}: no Error::Config") };
        assert!(why.contains(expected), "{why}");
    }
    // The standard deviation over a single patch is zero.
    let one = Config { patch: Some(16), ..default() }.shape(&square(16)).unwrap_err();
    assert!(one.to_string().contains("at least two whole patches"), "{one}");
}

#[test]
fn pretraining_needs_a_frame_to_predict() {
    let mut setup = setup(square(16), 4);
    setup.future_frames = 0;
    let params = || Params::new(DType::F32, &setup.device, 0);
    let Err(Error::Unsupported(why)) = Mpp::new(&small(), &setup, &params()) else { panic!("no Error::Unsupported") };
    assert!(why.contains("at least one future frame"), "{why}");
    setup.pretrain_steps = 0;
    let only_encode = Params::new(DType::F32, &setup.device, 0);
    assert!(Mpp::new(&small(), &setup, &only_encode).is_ok());
}
