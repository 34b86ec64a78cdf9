//! The page and its figures.

use std::{fs, path::Path};

use physrep_records::{CellOutcome, Initialisation::*, RunCell, RunManifest, Sample, SampleFields};

use super::run::{cell, run, with_outcome};
use crate::{PageState, write_report};

/// Writes the report of `cells` into a folder of its own, after `prepare` has filled the run's. Returns the page.
pub(super) fn page(cells: Vec<RunCell>, prepare: impl Fn(&Path)) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    RunManifest { cells: Vec::new() }.write(folder.path()).expect("a manifest");
    prepare(folder.path());
    let report =
        write_report(folder.path(), &run(cells), &folder.path().join("report"), PageState::Ended).expect("a report");
    let files = fs::read_dir(folder.path().join("report/figures")).expect("figures").count();
    assert_eq!(files, 2 * report.figures, "an SVG and a CSV file each");
    fs::read_to_string(report.page).expect("a page")
}

fn jepa() -> RunCell {
    cell("jepa", Pretrained, 0, 0.2)
}

#[test]
fn the_page_lists_the_cells_without_a_result_and_only_those() {
    let hostile = "<script>alert(1)</script> has not failed: it was not run";
    let failed = with_outcome(cell("mpp", Pretrained, 0, 0.2), CellOutcome::Failed(hostile.into()));
    let missing = with_outcome(cell("disco", Pretrained, 0, 0.2), CellOutcome::Missing);
    let text = page(vec![jepa(), failed, missing], |_| {});
    assert!(text.contains("2 cells have no result"), "{text}");
    assert!(
        text.contains("<li>mpp on shear flow, seed 0 failed: &lt;script&gt;alert(1)&lt;/script&gt; has not failed")
    );
    assert!(text.contains("<li>disco on shear flow, seed 0 was not run</li>"));
    assert!(!text.contains("<script>alert"));
    assert!(!page(vec![jepa()], |_| {}).contains("class=\"warning\""));
}

#[test]
fn scores_are_sorted_by_their_value_and_their_interval_is_set_apart() {
    let text = page(vec![jepa(), cell("mpp", Pretrained, 0, 0.9)], |_| {});
    let cell = text.split("<td").find(|cell| cell.contains("<strong>0.200</strong>")).expect("the best score");
    let value = cell.split("data-value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a value");
    assert!((value.parse::<f64>().expect("a number") - 0.2).abs() < 1e-6, "{value}");
    assert!(cell.contains("(best)") && cell.contains("<span class=\"interval\"> ± 0.0"), "{cell}");
    assert!(text.contains(">−0.20 to 0.10</td>"), "a true minus in health");
    assert!(text.contains("<code title=\"encoder of jepa pretrained 0\">encoder of jepa </code>"), "short checksums");
}

#[test]
fn sample_fields_are_shown_if_the_run_has_them() {
    let without = page(vec![jepa()], |_| {});
    assert!(without.contains("The run has no sample fields of shear flow."));
    let fields = SampleFields {
        system: "shear_flow".into(),
        data_checksum: "data".into(),
        channel: "tracer".into(),
        grid: [2, 2],
        context_frames: 4,
        noise: 0.0,
        samples: vec![Sample {
            trajectory: 0,
            parameters: vec![("Reynolds".into(), 100.0)],
            noisy: false,
            frames: vec![0],
            times: vec![0.0],
            values: vec![vec![0.0, 1.0, 2.0, 3.0]],
        }],
    };
    let with = page(vec![jepa()], |run| fields.write(run).expect("written"));
    assert!(with.contains("data:image/png;base64,") && with.contains("This suite adds no noise."));
    let broken = page(vec![jepa()], |run| {
        fs::create_dir(run.join("samples")).expect("a folder");
        fs::write(run.join("samples/shear_flow.json"), "nonsense").expect("written");
    });
    assert!(broken.contains("The sample fields of shear flow cannot be read"));
}

#[test]
fn a_run_without_cells_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    RunManifest { cells: Vec::new() }.write(folder.path()).expect("a manifest");
    let error = write_report(folder.path(), &run(Vec::new()), folder.path(), PageState::Ended).expect_err("refused");
    assert!(matches!(error, crate::Error::Usage(_)), "{error}");
}
