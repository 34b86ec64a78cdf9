//! Mistakes of methods and users are errors of one sentence.

use super::*;

#[test]
fn mistakes_of_a_method_or_a_user_are_explained_in_one_sentence() {
    let cases = [
        (r#"{"speed": 1}"#, "`scale` has no key `speed`; it has: fault, training"),
        (r#"{"training": {"rate": 1}}"#, "`scale.training` has no key `rate`"),
        (r#"{"training": {"lr": "fast"}}"#, "expected f64"),
        (r#"{"training": {"warmup": 2}}"#, "`warmup` (=2) must be in [0, 1)"),
        (r#"{"training": {"clip": -1}}"#, "`clip` (=-1) must be 0 or more"),
        (r#"{"training": {"accumulate": 0}}"#, "`accumulate` (=0) must be 1 or more"),
        ("lr=1", "not JSON"),
    ];
    for (config, expected) in cases {
        let said = message(session(config, 1));
        assert!(said.contains(expected), "{config}: {said}");
    }
    let step = |fault: &str, batch: Batch| {
        let config = format!(r#"{{"fault": "{fault}"}}"#);
        message(session(&config, 1).expect("a session").pretrain_step(&batch))
    };
    let good = || clips((2, 2, 3, 4, 6), 0);
    assert!(step("diverge", good()).contains("the loss is inf at step 0"));
    assert!(step("headless", good()).contains("head.weight"), "{}", step("headless", good()));
    assert!(step("", clips((2, 3, 3, 4, 6), 0)).contains("(3, 3, 4, 6); this session was created for (2, 3, 4, 6)"));
    assert!(step("", Batch { system: 1, ..good() }).contains("a batch of system 1 in a session of 1 systems"));
    let flat = session(r#"{"fault": "flat"}"#, 0).expect("a session");
    assert!(message(flat.encode(&clips((2, 2, 2, 4, 6), 0))).contains("expected (B, tokens, dim) = (2, ..)"));
}
