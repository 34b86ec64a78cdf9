use physrep_benchmarks::Split;
use physrep_records::{CellOutcome, Initialisation::*, ManifestCell, RunCell, RunManifest, Track, files};

use super::run::*;

fn rich(method: &str, init: physrep_records::Initialisation, seed: u64, base: f32) -> RunCell {
    edited(cell(method, init, seed, base), |record| {
        let mut scores = Vec::new();
        let probes: &[&str] = if method == "mean" { &["mean"] } else { &["ridge", "knn"] };
        for (k, probe) in probes.iter().enumerate() {
            for fraction in [0.1, 0.5, 1.0] {
                let wiggle: Vec<f32> = errors(base + 0.05 * k as f32 + 0.1 * (1.0 - fraction as f32))
                    .iter().enumerate().map(|(t, e)| e + 0.04 * ((t * 7 + k * 3 + seed as usize + method.len()) % 5) as f32).collect();
                scores.push(score(probe, fraction, &wiggle));
                let mut held = score(probe, fraction, &wiggle.iter().map(|e| e * 2.0).collect::<Vec<_>>());
                held.split = Split::HeldOut;
                scores.push(held);
                if fraction == 1.0 && init == Pretrained {
                    let mut e2e = score(probe, 1.0, &wiggle.iter().map(|e| e * 0.8).collect::<Vec<_>>());
                    e2e.track = Track::EndToEnd;
                    scores.push(e2e);
                }
            }
        }
        record.scores = scores;
        record.cost.pretrain.seconds = 10.0 + base as f64;
        record.cost.pretrain.samples = 4000;
        record.cost.pretrain.peak_memory_mib = Some(500 + seed);
        record.cost.encode.seconds = 2.5;
        record.cost.encode.samples = 100;
        record.cost.probe.seconds = 1.5;
        record.recipe.suite = serde_json::to_value(physrep_benchmarks::suite::Suite::load("tiny").expect("tiny")).expect("json");
        record.health.iter_mut().filter(|_| method == "mpp" && seed == 1).for_each(|h| h.spread.effective_rank = 1.25);
    })
}

#[test]
fn dump() {
    let mut cells = Vec::new();
    for system in ["shear_flow", "active_matter"] {
        for (method, init, base) in [("jepa", Pretrained, 0.3), ("jepa", Random, 0.6), ("mpp", Joint, 0.32), ("disco", Pretrained, 0.29), ("features", None, 0.4), ("mean", None, 1.0)] {
            for seed in [0, 1] {
                let made = on(system, rich(method, init, seed, base));
                let made = if method == "disco" && seed == 1 && system == "shear_flow" { with_outcome(made, CellOutcome::Failed("NaN | at _step_ 3".into())) } else { made };
                cells.push(made);
            }
        }
    }
    let out = std::path::Path::new("/tmp/report-eq/new");
    let manifest = RunManifest { cells: cells.iter().map(|c| ManifestCell { identity: c.identity.clone(), folder: format!("cells/{}/{}-{}/{}", c.identity.system, c.identity.method, c.identity.initialisation, c.identity.seed).into() }).collect() };
    manifest.write(out).expect("written");
    for (cell, listed) in cells.iter().zip(&manifest.cells) {
        let folder = listed.folder(out);
        match &cell.outcome {
            CellOutcome::Done(record) => files::write_json(&folder.record(), record).expect("written"),
            CellOutcome::Failed(reason) => files::write_json(&folder.failure(), &physrep_records::CellFailure { schema: 5, identity: cell.identity.clone(), reason: reason.clone() }).expect("written"),
            CellOutcome::Missing => {}
        }
    }
    let results = physrep_records::RunResults::read(out).expect("read");
    let write = |name: &str, text: String| std::fs::write(out.join(name), text).expect("written");
    write("t.terminal", crate::terminal(&results));
    write("t.markdown", crate::markdown(&results));
    write("t.latex", crate::latex(&results));
    write("t.csv", crate::scores_csv(&results).expect("csv"));
    write("t.compare", crate::compare(&results, &results).expect("compare"));
    crate::write_report(out, &results, &out.join("report")).expect("report");
}
