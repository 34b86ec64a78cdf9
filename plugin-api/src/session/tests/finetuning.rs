//! End-to-end training.

use physrep_nn::AdamW;

use super::*;

/// Mean squared distance of tokens from one, and its gradient with respect to the tokens.
fn distance(tokens: &Tensor) -> (f32, Tensor) {
    let distance = (tokens - 1.0).expect("tokens");
    let value = distance.sqr().and_then(|d| d.mean_all()?.to_scalar::<f32>()).expect("a scalar");
    (value, (distance * (2.0 / tokens.elem_count() as f64)).expect("a gradient"))
}

#[test]
fn end_to_end_training_follows_a_loss_that_the_session_does_not_know() {
    let config = AdamWConfig { weight_decay: 0.0, ..Default::default() };
    let clips = clips((4, 2, 2, 4, 6), 0);
    let mut tuned = session("{}", 0).expect("a session");
    let head = |session: &Session<Scale>| weights(session)[2..].concat();
    let (first, untouched) = (tuned.encode(&clips).expect("tokens"), head(&tuned));
    tuned.begin_finetuning(config).expect("begins");
    let mut last = f32::INFINITY;
    for step in 0..200 {
        let tokens = tuned.encode_forward(&clips).expect("tokens");
        if step == 0 {
            let same = |t: &Tensor| t.flatten_all().and_then(|t| t.to_vec1::<f32>()).expect("f32");
            assert_eq!(same(&tokens), same(&first), "the same tokens with and without a graph");
            assert!(!tokens.track_op(), "nothing of the graph leaves the session");
        }
        let (value, gradient) = distance(&tokens);
        last = value;
        tuned.encode_backward(&gradient).expect("back");
        tuned.apply_gradients(0.02).expect("an update");
    }
    assert!(last < 0.05 * distance(&first).0, "{last} from {}", distance(&first).0);
    assert_eq!(head(&tuned), untouched, "parameters of the objective alone do not change");

    // One step of the same optimizer in one process.
    let mut tuned = session("{}", 0).expect("a session");
    let plain = session("{}", 0).expect("a session");
    let encoder = parameters::encoder(&plain.params, Scale::ENCODER);
    let mut optimizer = AdamW::new(encoder, config).expect("an optimizer");
    let loss = (plain.method.encode(&clips).expect("tokens") - 1.0).and_then(|d| d.sqr()?.mean_all()).expect("a loss");
    optimizer.step(&loss.backward().expect("gradients"), 0.02).expect("an update");
    tuned.begin_finetuning(config).expect("begins");
    let (_, gradient) = distance(&tuned.encode_forward(&clips).expect("tokens"));
    tuned.encode_backward(&gradient).and_then(|()| tuned.apply_gradients(0.02)).expect("an update");
    for (a, b) in weights(&tuned).concat().iter().zip(weights(&plain).concat()) {
        assert!((a - b).abs() < 1e-6, "{a} and {b}");
    }
}

#[test]
fn end_to_end_calls_out_of_order_are_refused() {
    let clips = clips((4, 2, 2, 4, 6), 0);
    let mut tuned = session("{}", 0).expect("a session");
    assert!(message(tuned.encode_forward(&clips)).contains("without `begin` before it"));
    tuned.begin_finetuning(AdamWConfig::default()).expect("begins");
    let gradient = Tensor::ones((4, 1, 3), DType::F32, &Device::Cpu).expect("ones");
    assert!(
        message(tuned.encode_backward(&gradient))
            .contains("encode_backward was called without `encode_forward` before it")
    );
    assert!(
        message(tuned.apply_gradients(0.1)).contains("apply_gradients was called without `encode_backward` before it")
    );
    tuned.encode_forward(&clips).expect("tokens");
    let short = gradient.narrow(2, 0, 2).expect("narrow");
    assert!(message(tuned.encode_backward(&short)).contains("[4, 1, 2] for tokens (B, tokens, dim) = [4, 1, 3]"));
}
