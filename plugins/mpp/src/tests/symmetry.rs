//! Symmetries that the network has, and those that walls break: shifts, scales, the order of channels.

use physrep_plugin_api::{
    BoundaryCondition::{self, Periodic, Wall},
    candle_core::{Device, Tensor},
};

use super::support::{difference, model, normal, setup, small, system};

/// The largest difference between the tokens `(1, S, D)` of a clip and those of the clip shifted by `by` patches, with the
/// shift undone. 5 x 6 patches of 8 points: an odd and an even number.
fn change_by_shift(boundaries: [BoundaryCondition; 2], by: [i64; 2]) -> f64 {
    let setup = setup(vec![system(&["tracer", "pressure"], [40, 48], boundaries)], 3);
    let (model, _) = model(&small(), &setup);
    let clip = normal((1, 2, 3, 40, 48), 1);
    let roll = |x: &Tensor, by: [i64; 2], first: usize| {
        x.roll(by[0] as i32, first).unwrap().roll(by[1] as i32, first + 1).unwrap().contiguous().unwrap()
    };
    let tokens = model.encode(&clip, 0).unwrap();
    let shifted = model.encode(&roll(&clip, by.map(|n| 8 * n), 3), 0).unwrap();
    let map = shifted.reshape((1, 5, 6, 16)).unwrap();
    difference(&roll(&map, by.map(|n| -n), 1).reshape((1, 30, 16)).unwrap(), &tokens)
}

#[test]
fn on_periodic_axes_the_encoder_commutes_with_shifts_by_patches() {
    for by in [[1, 0], [0, 1], [2, 3], [4, 5]] {
        let change = change_by_shift([Periodic; 2], by);
        assert!(change < 1e-12, "{by:?}: {change}");
    }
    assert!(change_by_shift([Wall, Periodic], [0, 3]) < 1e-12);
    assert!(change_by_shift([Periodic, Wall], [2, 0]) < 1e-12);
}

#[test]
fn walls_break_the_symmetry_of_their_axis_alone() {
    for (boundaries, by) in [([Wall; 2], [1, 1]), ([Wall, Periodic], [1, 0]), ([Periodic, Wall], [0, 1])] {
        let change = change_by_shift(boundaries, by);
        assert!(change > 1e-3, "{boundaries:?}: {change}");
    }
}

#[test]
fn predictions_scale_and_shift_with_the_fields_and_tokens_do_not() {
    let setup = setup(vec![system(&["tracer", "pressure"], [16, 24], [Periodic, Wall])], 3);
    let (model, _) = model(&small(), &setup);
    let clip = normal((2, 2, 3, 16, 24), 1);
    let column = |values: [f64; 2], rank| {
        let shape = [vec![1, 2], vec![1; rank - 2]].concat();
        Tensor::new(&values, &Device::Cpu).unwrap().reshape(shape).unwrap()
    };
    let change = |x: &Tensor| {
        let scaled = x.broadcast_mul(&column([3.0, 0.2], x.rank())).unwrap();
        scaled.broadcast_add(&column([-1.0, 40.0], x.rank())).unwrap()
    };
    let tokens = model.encode(&clip, 0).unwrap();
    let error = difference(&model.encode(&change(&clip), 0).unwrap(), &tokens);
    assert!(error < 1e-5, "tokens: {error}");
    let frame = model.predict(&clip, 0, None).unwrap();
    let error = difference(&model.predict(&change(&clip), 0, None).unwrap(), &change(&frame));
    assert!(error < 1e-5, "prediction: {error}");
    // The network does not predict a constant.
    assert!(difference(&model.predict(&change(&clip), 0, None).unwrap(), &frame) > 0.1);
}

#[test]
fn the_order_of_channels_does_not_matter_if_their_names_move_along() {
    let names = ["tracer", "pressure", "velocity_x"];
    let order = [2usize, 0, 1];
    let permuted = order.map(|i| names[i]);
    let systems = vec![system(&names, [16, 24], [Wall; 2]), system(&permuted, [16, 24], [Wall; 2])];
    let (model, _) = model(&small(), &setup(systems, 3));
    let clip = normal((2, 3, 3, 16, 24), 1);
    let index = Tensor::new(&order.map(|i| i as u32), &Device::Cpu).unwrap();
    let other = clip.index_select(&index, 1).unwrap();
    let error = difference(&model.encode(&other, 1).unwrap(), &model.encode(&clip, 0).unwrap());
    assert!(error < 1e-12, "tokens: {error}");
    let frame = model.predict(&clip, 0, None).unwrap().index_select(&index, 1).unwrap();
    let error = difference(&model.predict(&other, 1, None).unwrap(), &frame);
    assert!(error < 1e-12, "prediction: {error}");
    // Under other names the channels are other fields.
    assert!(difference(&model.encode(&other, 0).unwrap(), &model.encode(&clip, 0).unwrap()) > 1e-3);
}
