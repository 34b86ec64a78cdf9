//! The paper's own code beside the method `jepa`.

use std::env;

use serde_json::Value;

use super::{Programs, example};
use crate::support::{JEPA, distance, read_tensors};

/// From the same weights it has the losses and the embeddings of `jepa`. Needs a checkout of that code, which `PHYSREP_PAPER_CODE` names,
/// and a Python with what it requires.
#[test]
fn the_code_of_the_paper_learns_what_jepa_learns() {
    let Ok(code) = env::var("PHYSREP_PAPER_CODE") else {
        println!("SKIPPED: PHYSREP_PAPER_CODE names no checkout of the paper's code");
        return;
    };
    let Some(programs) = Programs::with("torch, timm, einops, the_well, wandb") else { return };
    let mut more = ["--methods", "jepa,paper-jepa", "--plugins", &JEPA.argument()].map(String::from).to_vec();
    let set = |key: &str| ["--set".to_owned(), key.to_owned()];
    let keys = ["dims=[4,4,8,8,8]", "num_res_blocks=[1,1,1,1,1]", "layer_scale=0.1", "chunks=1", "training.lr=1e-2"];
    for method in ["jepa", "paper-jepa"] {
        for key in keys {
            more.extend(set(&format!("{method}.{key}")));
        }
    }
    more.extend(set("paper-jepa.initial_weights=jepa"));
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let arguments = programs.all(&example("paper_jepa"), "out", &more);
    programs.run(&arguments, &[("PHYSREP_READABLE", &code)]).exits_with(0);

    // In the order of the names of their rows.
    let losses = |curves: &Vec<u8>| -> Vec<f32> {
        let lines = curves.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let line = |line: &[u8]| serde_json::from_slice::<Value>(line).expect("JSON");
        lines.map(|text| line(text)["loss"].as_f64().expect("a loss") as f32).collect()
    };
    let curves: Vec<Vec<f32>> = programs.project.bytes("out", "curves.jsonl").iter().map(losses).collect();
    let [ours, theirs] = curves.as_slice() else { panic!("two rows were pretrained: {curves:?}") };
    assert_eq!(ours.len(), 6);
    assert!(distance(ours, theirs) < 1e-5, "{ours:?}, expected {theirs:?}");
    assert!(ours[5] < ours[0], "{ours:?}");

    let embeddings: Vec<_> = programs.project.find("out", "embeddings.safetensors").into_values().collect();
    let [ours, ours_random, theirs, theirs_random] = embeddings.as_slice() else { panic!("four rows: {embeddings:?}") };
    for (ours, theirs) in [(ours, theirs), (ours_random, theirs_random)] {
        let [ours, theirs] = [ours, theirs].map(|path| read_tensors(path)["test.tokens"].clone());
        assert_eq!(ours.shape, theirs.shape);
        let distance = distance(&ours.values, &theirs.values);
        assert!(distance < 1e-4, "embeddings differ by {distance:e} of the largest");
    }
}
