//! Pretraining steps: accumulation, clipping, moving averages, and the inference copy.

use super::*;

#[test]
fn the_inference_copy_gives_the_same_tokens_without_a_graph() {
    let mut session = session("{}", 3).expect("a session");
    let file = session.save().expect("a state");
    let context = clips((2, 2, 2, 4, 6), 1);
    let mut before = Vec::new();
    for _ in 0..3 {
        session.pretrain_step(&clips((2, 2, 3, 4, 6), 0)).expect("a step");
        let [learning, copy] =
            [&session.method, &session.inference_copy].map(|method| session.tokens(method, &context).expect("tokens"));
        assert!(learning.track_op() && !copy.track_op());
        let [learning, copy] = [learning, copy].map(|t| t.flatten_all().and_then(|t| t.to_vec1::<f32>()).expect("f32"));
        assert_eq!(learning, copy);
        assert_ne!(before, copy, "the copy follows every step");
        before = copy;
    }
    session.load(&file, LoadScope::Full).expect("fits");
    let [learning, copy] =
        [&session.method, &session.inference_copy].map(|method| session.tokens(method, &context).expect("tokens"));
    assert_eq!((learning - copy).and_then(|d| d.abs()?.max_all()?.to_scalar::<f32>()).expect("a scalar"), 0.0);
}

#[test]
fn what_a_method_does_to_its_initial_parameters_is_done_once() {
    let [plain, scaled] =
        ["{}", r#"{"fault": "scaled"}"#].map(|config| weights(&session(config, 1).expect("a session")));
    assert_eq!(scaled, plain.iter().map(|values| values.iter().map(|v| v * 3.0).collect()).collect::<Vec<Vec<f32>>>());
}

#[test]
fn two_accumulated_halves_equal_one_whole_batch() {
    let whole = clips((4, 2, 3, 4, 6), 0);
    let mut one = session("{}", 1).expect("a session");
    one.pretrain_step(&whole).expect("a step");
    let mut two = session(r#"{"training": {"accumulate": 2}}"#, 2).expect("a session");
    for half in [0, 2] {
        let clips = whole.clips.narrow(0, half, 2).expect("half");
        two.pretrain_step(&Batch { clips, system: 0 }).expect("a step");
    }
    for (a, b) in weights(&one).concat().iter().zip(weights(&two).concat()) {
        assert!((a - b).abs() < 1e-6, "{a} and {b}");
    }
}

#[test]
fn a_moving_average_moves_once_per_update_and_is_saved() {
    let config = r#"{"fault": "followed", "training": {"accumulate": 2}}"#;
    let mut session = session(config, 8).expect("a session");
    let parts = |session: &Session<Scale>| {
        let all = weights(session);
        (all[..2].concat(), all[2..4].concat())
    };
    let (_, mut expected) = parts(&session);
    for index in 0..4 {
        session.pretrain_step(&clips((2, 2, 3, 4, 6), index)).expect("a step");
        let (encoder, follower) = parts(&session);
        if index % 2 == 1 {
            expected = expected.iter().zip(&encoder).map(|(f, e)| 0.5 * f + 0.5 * e).collect();
        }
        assert_eq!(follower, expected, "after step {index}");
    }
    let mut again = super::session(config, 8).expect("a session");
    again.load(&session.save().expect("a state"), LoadScope::Full).expect("the state fits");
    assert_eq!(parts(&again), parts(&session));
    assert_eq!(again.parameters().expect("parameters").len(), 6);
}

/// With a large `eps` and as large a rate, AdamW's first update is the gradient.
#[test]
fn long_gradients_are_clipped() {
    let moved = |clip: f64| {
        let config =
            format!(r#"{{"training": {{"clip": {clip}, "lr": 1e3, "eps": 1e3, "warmup": 0, "weight_decay": 0}}}}"#);
        let mut session = session(&config, 1).expect("a session");
        let before = weights(&session).concat();
        session.pretrain_step(&clips((2, 2, 3, 4, 6), 0)).expect("a step");
        let moves = before.iter().zip(weights(&session).concat()).map(|(a, b)| f64::from(a - b).powi(2));
        moves.sum::<f64>().sqrt()
    };
    let (free, loose, tight) = (moved(0.0), moved(1e6), moved(1e-2));
    assert_eq!(free, loose);
    assert!((tight / 1e-2 - 1.0).abs() < 1e-2 && tight < 0.5 * free, "{tight} beside {free}");
}
