//! A session keeps its promises to the host and to the author.

use candle_core::{D, Shape};
use physrep_abi::{Boundary, LogLevel};
use physrep_nn::{AdamWConfig, Linear, MovingAverage, Rng};
use serde::{Deserialize, Serialize};

use super::*;
use crate::{About, Channel, System};

#[derive(Default, Serialize, Deserialize)]
struct Config {
    training: Training,
    fault: String,
}

/// Learns to scale the mean of each channel, under noise of its own.
struct Scale {
    encoder: Linear,
    head: Linear,
    /// If it is `followed`, of the encoder.
    average: Option<MovingAverage>,
    fault: String,
}

impl Method for Scale {
    type Config = Config;
    const ABOUT: About = About { name: "scale", summary: "", reference: "" };

    fn new(config: &Config, setup: &Setup, params: &Params) -> Result<Self> {
        let channels = setup.single_system()?.channels.len();
        let encoder = Linear::new(channels, 3, params.pp("encoder"))?;
        let head = Linear::new(3, 1, params.pp("head"))?;
        if config.fault == "scaled" {
            for (_, var) in params.named() {
                var.set(&(var.as_tensor() * 3.0)?)?;
            }
        }
        let mut average = None;
        if config.fault == "followed" {
            let follower = params.pp("follower").untrained();
            Linear::new(channels, 3, follower.clone())?;
            average = Some(MovingAverage::new(&params.pp("encoder"), &follower)?);
        }
        Ok(Self { encoder, head, average, fault: config.fault.clone() })
    }

    fn training(config: &Config) -> Training {
        config.training
    }

    fn loss(&self, batch: &Batch, step: &Step) -> Result<Tensor> {
        let tokens = self.encode(batch)?;
        let noise = match self.fault.as_str() {
            "noisy" => step.rng("noise").normal(1, DType::F32, &Device::Cpu)?.mean_all()?,
            _ => Tensor::new(0.5f32, &Device::Cpu)?,
        };
        let loss = match self.fault.as_str() {
            "headless" => tokens.sqr()?.mean_all()?,
            _ => self.head.forward(&tokens)?.broadcast_sub(&noise)?.sqr()?.mean_all()?,
        };
        Ok(if self.fault == "diverge" { (loss / 0.0)? } else { loss })
    }

    fn updated(&self, _: &Step) -> Result<()> {
        Ok(self.average.as_ref().map_or(Ok(()), |average| average.update(0.5))?)
    }

    fn encode(&self, batch: &Batch) -> Result<Tensor> {
        let means = batch.clips.mean((2, 3, 4))?.unsqueeze(1)?;
        let tokens = self.encoder.forward(&means)?;
        Ok(if self.fault == "flat" { tokens.mean(D::Minus1)? } else { tokens })
    }
}

extern "C" fn log(_: *const (), _: LogLevel, _: abi_stable::std_types::RStr<'_>) {}
extern "C" fn metric(_: *const (), _: abi_stable::std_types::RStr<'_>, _: u64, _: f64) {}
extern "C" fn cancelled(_: *const ()) -> bool {
    false
}

fn session(config: &str, steps: u64) -> Result<Session<Scale>> {
    let channel = |name: &str| Channel { field: name.into(), name: name.into(), rank: 0, component: [0, 0] };
    let system = System {
        channels: vec![channel("tracer"), channel("pressure")],
        coordinates: [4, 6].map(|n| (0..n).map(f64::from).collect()),
        boundary: [Boundary::Periodic; 2],
        time_step: 0.1,
    };
    let setup = Setup {
        systems: vec![system],
        context_frames: 2,
        future_frames: 1,
        batch: 2,
        steps,
        device: Device::Cpu,
        seed: 3,
        scratch: std::env::temp_dir(),
    };
    Session::new(config, setup, Host { context: std::ptr::null(), log, metric, cancelled })
}

fn clips(shape: impl Into<Shape>, index: u64) -> Batch {
    let clips = Rng::new(11, "clips", index).normal(shape, DType::F32, &Device::Cpu).expect("normal");
    Batch { clips, system: 0 }
}

fn weights(session: &Session<Scale>) -> Vec<Vec<f32>> {
    let flat = |var: Var| var.flatten_all().and_then(|t| t.to_vec1::<f32>()).expect("f32");
    session.params.named().into_iter().map(|(_, var)| flat(var)).collect()
}

#[track_caller]
fn message<T>(result: Result<T>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn what_is_encoded_without_a_gradient_is_the_same_and_leaves_no_graph() {
    let mut session = session("{}", 3).expect("a session");
    let file = session.save().expect("a state");
    let context = clips((2, 2, 2, 4, 6), 1);
    let mut before = Vec::new();
    for _ in 0..3 {
        session.pretrain_step(&clips((2, 2, 3, 4, 6), 0)).expect("a step");
        let [learning, twin] =
            [&session.method, &session.twin].map(|method| session.tokens(method, &context).expect("tokens"));
        assert!(learning.track_op() && !twin.track_op());
        let [learning, twin] = [learning, twin].map(|t| t.flatten_all().and_then(|t| t.to_vec1::<f32>()).expect("f32"));
        assert_eq!(learning, twin);
        assert_ne!(before, twin, "the twin follows every step");
        before = twin;
    }
    session.load(&file, LoadScope::State).expect("fits");
    let [learning, twin] =
        [&session.method, &session.twin].map(|method| session.tokens(method, &context).expect("tokens"));
    assert_eq!((learning - twin).and_then(|d| d.abs()?.max_all()?.to_scalar::<f32>()).expect("a number"), 0.0);
}

#[test]
fn what_a_method_does_to_its_initial_parameters_is_done_once() {
    let [plain, scaled] =
        ["{}", r#"{"fault": "scaled"}"#].map(|config| weights(&session(config, 1).expect("a session")));
    assert_eq!(scaled, plain.iter().map(|values| values.iter().map(|v| v * 3.0).collect()).collect::<Vec<Vec<f32>>>());
}

#[test]
fn two_halves_accumulated_are_one_whole_batch() {
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
fn a_state_saved_between_any_two_steps_goes_on_with_the_same_bytes() {
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
        second.load(&state, LoadScope::State).expect("the state fits");
        for batch in &batches[cut..] {
            second.pretrain_step(batch).expect("a step");
        }
        assert!(second.save().expect("a state") == expected, "cut after {cut} steps");
    }
}

#[test]
fn what_follows_the_parameters_moves_once_an_update_and_is_saved() {
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
    let mut again = self::session(config, 8).expect("a session");
    again.load(&session.save().expect("a state"), LoadScope::State).expect("the state fits");
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

/// Mean squared distance of tokens from one, and its gradient by the tokens.
fn distance(tokens: &Tensor) -> (f32, Tensor) {
    let distance = (tokens - 1.0).expect("tokens");
    let value = distance.sqr().and_then(|d| d.mean_all()?.to_scalar::<f32>()).expect("a number");
    (value, (distance * (2.0 / tokens.elem_count() as f64)).expect("a gradient"))
}

#[test]
fn training_end_to_end_follows_a_loss_that_the_session_does_not_know() {
    let config = AdamWConfig { weight_decay: 0.0, ..Default::default() };
    let clips = clips((4, 2, 2, 4, 6), 0);
    let mut tuned = session("{}", 0).expect("a session");
    let head = |session: &Session<Scale>| weights(session)[2..].concat();
    let (first, untouched) = (tuned.encode(&clips).expect("tokens"), head(&tuned));
    tuned.begin_finetuning(config).expect("begins");
    let mut last = f32::INFINITY;
    for step in 0..200 {
        let tokens = tuned.encode_with_gradient(&clips).expect("tokens");
        if step == 0 {
            let same = |t: &Tensor| t.flatten_all().and_then(|t| t.to_vec1::<f32>()).expect("f32");
            assert_eq!(same(&tokens), same(&first), "the same tokens with and without the way back");
            assert!(!tokens.track_op(), "nothing of the graph leaves the session");
        }
        let (value, gradient) = distance(&tokens);
        last = value;
        tuned.backward(&gradient).expect("back");
        tuned.apply_gradients(0.02).expect("an update");
    }
    assert!(last < 0.05 * distance(&first).0, "{last} from {}", distance(&first).0);
    assert_eq!(head(&tuned), untouched, "what only serves the objective stays as it is");

    // One step of the same optimizer in one process.
    let mut tuned = session("{}", 0).expect("a session");
    let plain = session("{}", 0).expect("a session");
    let mut encoder = plain.params.named();
    encoder.retain(|(name, _)| is_encoder::<Scale>(name));
    let mut optimizer = AdamW::new(encoder, config).expect("an optimizer");
    let loss = (plain.method.encode(&clips).expect("tokens") - 1.0).and_then(|d| d.sqr()?.mean_all()).expect("a loss");
    optimizer.step(&loss.backward().expect("gradients"), 0.02).expect("an update");
    tuned.begin_finetuning(config).expect("begins");
    let (_, gradient) = distance(&tuned.encode_with_gradient(&clips).expect("tokens"));
    tuned.backward(&gradient).and_then(|()| tuned.apply_gradients(0.02)).expect("an update");
    for (a, b) in weights(&tuned).concat().iter().zip(weights(&plain).concat()) {
        assert!((a - b).abs() < 1e-6, "{a} and {b}");
    }
}

#[test]
fn end_to_end_training_out_of_order_is_refused() {
    let clips = clips((4, 2, 2, 4, 6), 0);
    let mut tuned = session("{}", 0).expect("a session");
    assert!(message(tuned.encode_with_gradient(&clips)).contains("without a `begin` before it"));
    tuned.begin_finetuning(AdamWConfig::default()).expect("begins");
    let gradient = Tensor::ones((4, 1, 3), DType::F32, &Device::Cpu).expect("ones");
    assert!(message(tuned.backward(&gradient)).contains("backward was called without a `encode` before it"));
    assert!(message(tuned.apply_gradients(0.1)).contains("apply was called without a `backward` before it"));
    tuned.encode_with_gradient(&clips).expect("tokens");
    let short = gradient.narrow(2, 0, 2).expect("narrow");
    assert!(message(tuned.backward(&short)).contains("[4, 1, 2] for tokens (B, tokens, dim) = [4, 1, 3]"));
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
    let refused = message(session("{}", 0).expect("a session").load(&file, LoadScope::State));
    assert!(refused.contains("@step"), "{refused}");
}

#[test]
fn what_a_method_or_a_user_gets_wrong_is_said_in_a_sentence() {
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

#[test]
fn the_readme_shows_the_example_as_it_is() {
    let (readme, example) = (include_str!("../../README.md"), include_str!("../../examples/forecast.rs"));
    assert!(readme.contains(&format!("```rust\n{example}```")));
    assert!(example.lines().count() < 60);
}
