//! Saved states: training resumes bit for bit, and an encoder is loaded from the files that hold one.

use std::collections::HashMap;

use super::*;

#[test]
fn a_state_saved_between_any_two_steps_resumes_bit_for_bit() {
    let config = r#"{"fault": "noisy", "training": {"accumulate": 3}}"#;
    let mut whole = session(config, 8).expect("a session");
    let batches: Vec<Batch> = (0..8).map(|index| clips((2, 2, 3, 4, 6), index)).collect();
    for batch in &batches {
        whole.pretrain_step(batch).expect("a step");
    }
    let expected = whole.save().expect("a state");
    for cut in 0..8 {
        let mut first = session(config, 8).expect("a session");
        for batch in &batches[..cut] {
            first.pretrain_step(batch).expect("a step");
        }
        let state = first.save().expect("a state");
        let mut second = session(config, 8).expect("a session");
        second.load(&state, LoadScope::Full).expect("the state fits");
        for batch in &batches[cut..] {
            second.pretrain_step(batch).expect("a step");
        }
        assert!(second.save().expect("a state") == expected, "cut after {cut} steps");
    }
}

#[test]
fn an_encoder_is_loaded_from_a_whole_checkpoint_or_from_its_own() {
    let mut trained = session("{}", 1).expect("a session");
    trained.pretrain_step(&clips((2, 2, 3, 4, 6), 0)).expect("a step");
    let clip = clips((2, 2, 2, 4, 6), 1);
    let expected = trained.encode(&clip).and_then(|t| Ok(t.flatten_all()?.to_vec1::<f32>()?)).expect("tokens");
    let own: HashMap<String, Tensor> = trained
        .params
        .named()
        .into_iter()
        .filter_map(|(name, var)| Some((name.strip_prefix("encoder.")?.to_owned(), var.as_tensor().clone())))
        .collect();
    let files = [trained.save().expect("a state"), safetensors::serialize(&own, None).expect("a file")];
    for file in files {
        let mut fresh = session("{}", 0).expect("a session");
        fresh.load(&file, LoadScope::Encoder).expect("the encoder fits");
        let tokens = fresh.encode(&clip).and_then(|t| Ok(t.flatten_all()?.to_vec1::<f32>()?)).expect("tokens");
        assert_eq!(tokens, expected);
    }
    let wrong: HashMap<String, Tensor> = own.into_iter().filter(|(name, _)| name != "bias").collect();
    let file = safetensors::serialize(&wrong, None).expect("a file");
    let refused = message(session("{}", 0).expect("a session").load(&file, LoadScope::Encoder));
    assert!(refused.contains("encoder.bias"), "{refused}");
    let refused = message(session("{}", 0).expect("a session").load(&file, LoadScope::Full));
    assert!(refused.contains("@step"), "{refused}");
}
