//! Named parameters: names, initial values, loading.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use physrep_nn::{Init, Params};

use crate::support::values;

fn params(seed: u64) -> Params {
    Params::new(DType::F32, &Device::Cpu, seed)
}

fn named(params: &Params) -> BTreeMap<String, Tensor> {
    let named = params.named().into_iter();
    named.map(|(n, v)| (n, v.as_tensor().copy().unwrap())).collect()
}

#[test]
fn names_are_paths_and_come_sorted() {
    let params = params(0);
    let block = params.pp("encoder").pp("blocks").pp(1);
    block.get(3, "weight", Init::Const(1.0)).unwrap();
    block.get(3, "bias", Init::Const(0.0)).unwrap();
    params.pp("a").get(1, "b", Init::Const(0.0)).unwrap();
    let names = |p: &Params| p.named().into_iter().map(|(n, _)| n).collect::<Vec<_>>();
    let all = ["a.b", "encoder.blocks.1.bias", "encoder.blocks.1.weight"];
    assert_eq!(names(&params), all);
    assert_eq!(names(&params.pp("encoder")), ["blocks.1.bias", "blocks.1.weight"]);
    assert_eq!(names(&block), ["bias", "weight"]);
    // A common prefix is not a common module.
    assert!(names(&params.pp("enc")).is_empty());
}

#[test]
fn a_name_is_taken_once() {
    let params = params(0);
    let module = params.pp("m");
    module.get(1, "weight", Init::Const(0.0)).unwrap();
    let error = params.get(1, "m.weight", Init::Const(0.0)).unwrap_err();
    assert!(error.to_string().contains("m.weight exists already"), "{error}");
}

#[test]
fn a_frozen_handle_returns_existing_parameters_detached() {
    let params = params(0);
    let weight = params.pp("m").get(2, "weight", Init::Const(1.0)).unwrap();
    let frozen = params.frozen().pp("m").get(2, "weight", Init::Const(5.0)).unwrap();
    assert!(weight.track_op() && !frozen.track_op());
    params.named()[0].1.set(&Tensor::new(&[2f32, 3.0], &Device::Cpu).unwrap()).unwrap();
    assert_eq!(values(&frozen), [2.0, 3.0]);
    for (name, shape) in [("weight", 3), ("bias", 2)] {
        let error = params.frozen().pp("m").get(shape, name, Init::Const(0.0)).unwrap_err().to_string();
        assert!(error.contains(&format!("no parameter m.{name} of shape [{shape}]")), "{error}");
    }
    assert_eq!((params.named().len(), params.frozen().pp("m").named().len()), (1, 0));
}

#[test]
fn initial_values_depend_on_seed_and_name_only() {
    let init = Init::Normal { std: 1.0 };
    let forwards = params(7);
    forwards.pp("a").get(9, "w", init).unwrap();
    forwards.pp("b").get(9, "w", init).unwrap();
    let backwards = params(7);
    backwards.get(9, "b.w", init).unwrap();
    backwards.get(9, "a.w", init).unwrap();
    let (f, b) = (named(&forwards), named(&backwards));
    assert_eq!(values(&f["a.w"]), values(&b["a.w"]));
    assert_eq!(values(&f["b.w"]), values(&b["b.w"]));
    assert_ne!(values(&f["a.w"]), values(&f["b.w"]));
    let other = params(8);
    other.get(9, "a.w", init).unwrap();
    assert_ne!(values(&named(&other)["a.w"]), values(&f["a.w"]));
}

#[test]
fn initial_values_have_their_distribution() {
    let n = 100_000;
    let draw = |init| values(&params(1).get(n, "w", init).unwrap());
    let std = |v: &[f64]| (v.iter().map(|x| x * x).sum::<f64>() / n as f64).sqrt();
    let range = |v: &[f64]| v.iter().fold(0f64, |m, x| m.max(x.abs()));

    let uniform = draw(Init::fan_in_uniform(16));
    assert!(range(&uniform) <= 0.25 && range(&uniform) > 0.2499);
    assert!((std(&uniform) - 0.25 / 3f64.sqrt()).abs() < 1e-3);
    let normal = draw(Init::Normal { std: 2.0 });
    assert!((std(&normal) - 2.0).abs() < 0.02 && range(&normal) > 6.0);
    let cut = draw(Init::TruncNormal { std: 2.0 });
    // A normal distribution truncated at one standard deviation has a variance of 0.2911.
    assert!(range(&cut) <= 2.0 && (std(&cut) - 2.0 * 0.2911f64.sqrt()).abs() < 0.01);
    assert!(draw(Init::Const(0.5)).iter().all(|v| *v == 0.5));
    for init in [Init::Normal { std: -1.0 }, Init::Const(f64::NAN), Init::TruncNormal { std: 3.0 }] {
        assert!(params(1).get(n, "w", init).is_err(), "{init:?}");
    }
}

#[test]
fn a_checkpoint_is_restored_also_into_a_module() {
    let build = |seed| {
        let params = params(seed);
        params.pp("encoder").get((2, 3), "w", Init::Normal { std: 1.0 }).unwrap();
        params.pp("head").get(4, "w", Init::Normal { std: 1.0 }).unwrap();
        params
    };
    let (from, into) = (build(1), build(2));
    into.pp("encoder").load(&named(&from.pp("encoder"))).unwrap();
    assert_eq!(values(&named(&into)["encoder.w"]), values(&named(&from)["encoder.w"]));
    assert_ne!(values(&named(&into)["head.w"]), values(&named(&from)["head.w"]));
    into.load(&named(&from)).unwrap();
    assert_eq!(values(&named(&into)["head.w"]), values(&named(&from)["head.w"]));
}

#[test]
fn the_tensor_follows_the_parameter() {
    let params = params(1);
    let tensor = params.get(2, "w", Init::Const(0.0)).unwrap();
    let loaded = Tensor::new(&[3f64, 4.0], &Device::Cpu).unwrap();
    params.load(&BTreeMap::from([("w".to_string(), loaded)])).unwrap();
    assert_eq!(values(&tensor), [3.0, 4.0]);
    assert_eq!(tensor.dtype(), DType::F32);
}

#[test]
fn a_misfit_is_named_and_changes_nothing() {
    let params = params(1);
    for name in ["first", "second", "third"] {
        params.pp(name).get(2, "w", Init::Const(0.0)).unwrap();
    }
    let two = Tensor::ones(2, DType::F32, &Device::Cpu).unwrap();
    let checkpoint = BTreeMap::from([
        ("first.w".to_string(), two.clone()),
        ("second.w".to_string(), Tensor::ones((2, 1), DType::F32, &Device::Cpu).unwrap()),
        ("fourth.w".to_string(), two),
    ]);
    let error = params.load(&checkpoint).unwrap_err().to_string();
    for part in [
        "expected 3 parameters, found 3 tensors",
        "1 are missing: third.w",
        "1 are not parameters of this network: fourth.w",
        "1 do not fit: second.w has shape [2, 1], expected [2]",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert!(named(&params).values().all(|t| values(t) == [0.0, 0.0]));
    let counts = Tensor::ones(2, DType::U32, &Device::Cpu).unwrap();
    let checkpoint = BTreeMap::from([("w".to_string(), counts)]);
    let error = params.pp("first").load(&checkpoint).unwrap_err().to_string();
    assert!(error.contains("into first") && error.contains("U32"), "{error}");
}
