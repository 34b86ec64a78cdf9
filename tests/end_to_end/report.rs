//! `report`: one page that needs nothing but itself, and its figures as files.

use std::{
    collections::BTreeMap,
    fs,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::support::{TestProject, files_below, fixture, micro_run, python, report_run};

fn page(project: &TestProject, folder: &str) -> String {
    fs::read_to_string(project.path(folder).join("report.html")).expect("a page")
}

#[test]
fn a_report_has_every_section_needs_no_other_file_and_is_the_same_each_time() {
    let project = TestProject::new();
    project.copy(report_run(), "out");
    project.run(["report", "out"]).exits_with(0);
    project.run(["report", "out", "--out", "again"]).exits_with(0);
    let files = |folder: &str| -> BTreeMap<_, _> {
        let files = files_below(&project.path(folder)).into_iter();
        files.map(|(name, path)| (name, fs::read(path).expect("readable"))).collect()
    };
    let report = files("out/report");
    assert!(report == files("again"), "the same run gives the same bytes");

    let page = page(&project, "again");
    for section in
        ["scores", "predictions", "labels", "training", "cost", "fields", "health", "protocol", "environment"]
    {
        assert!(page.contains(&format!("<section id=\"{section}\"")), "{section}");
    }
    assert!(!page.contains("id=\"regimes\""), "the suite has no held-out parameters");
    assert!(page.contains("cells have no result") && page.contains("panic"), "failures and why");
    // The page loads nothing; the only addresses are links.
    assert_eq!(page.matches("src=").count() + page.matches("@import").count() + page.matches("url(").count(), 0);
    assert_eq!(page.matches("https://").count(), page.matches("<a href=\"https://arxiv.org/").count());

    let names: Vec<String> = report.keys().map(|path| path.display().to_string()).collect();
    for figure in [
        "overview",
        "predictions-shear_flow-Reynolds",
        "predictions-active_matter-alpha",
        "label-efficiency-shear_flow",
        "training-active_matter",
        "cost",
        "samples-active_matter",
    ] {
        for kind in ["svg", "csv"] {
            assert!(names.contains(&format!("figures/{figure}.{kind}")), "{figure}.{kind}: {names:?}");
        }
    }
    for (path, bytes) in report.iter().filter(|(path, _)| path.starts_with("figures")) {
        let text = String::from_utf8(bytes.clone()).expect("UTF-8");
        match path.extension().and_then(|end| end.to_str()) {
            Some("svg") => {
                let drawing = roxmltree::Document::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                assert!(drawing.root_element().attribute("viewBox").is_some(), "{}", path.display());
                let attributes = drawing.descendants().flat_map(|node| node.attributes());
                let mut drawn =
                    attributes.filter(|attribute| attribute.name() != "href").map(|attribute| attribute.value());
                assert!(drawn.all(|value| !value.contains("NaN") && !value.contains("inf")), "{}", path.display());
            }
            _ => {
                let rows = csv::Reader::from_reader(text.as_bytes()).records().collect::<Result<Vec<_>, _>>();
                assert!(rows.unwrap_or_else(|e| panic!("{}: {e}", path.display())).len() > 1, "{}", path.display());
            }
        }
    }
}

#[test]
fn the_scatter_plot_has_the_predictions_of_the_records() {
    let project = TestProject::new();
    project.copy(report_run(), "out");
    project.run(["report", "out"]).exits_with(0);
    let text = fs::read_to_string(project.path("out/report/figures/predictions-shear_flow-Reynolds.csv")).expect("CSV");
    let rows: Vec<BTreeMap<String, String>> =
        csv::Reader::from_reader(text.as_bytes()).deserialize().collect::<Result<_, _>>().expect("rows");
    let number = |row: &BTreeMap<String, String>, column: &str| -> f64 { row[column].parse().expect("a number") };
    let jepa: Vec<_> = rows.iter().filter(|row| row["method"] == "jepa" && row["seed"] == "1").collect();
    let result = project.results("out").into_iter().find(|result| {
        (result["system"] == "shear_flow" && result["method"] == "jepa")
            && (result["initialisation"] == "pretrained" && result["seed"] == 1)
    });
    let result = result.expect("a result");
    let readings = result["scores"].as_array().expect("scores");
    let reading = readings.iter().find(|reading| {
        (reading["probe"] == "attentive" && reading["split"] == "test")
            && (reading["label_fraction"] == 1.0 && reading["track"] == "frozen")
    });
    let recorded = |value: &Value| -> Vec<f64> { serde_json::from_value(value.clone()).expect("numbers") };
    let column = |name: &str| -> Vec<f64> { jepa.iter().map(|row| number(row, name)).collect() };
    let near = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
    let (labels, predicted) = (column("true_label"), column("predicted_label"));
    assert!(near(&labels, &recorded(&result["splits"]["test"]["labels"][0])), "{labels:?}");
    assert!(near(&predicted, &recorded(&reading.expect("a reading")["parameters"][0]["predicted"])), "{predicted:?}");
    // True values are in the suite's range, and the order of values is that of labels.
    let truth = column("true");
    assert!(truth.iter().all(|value| (50.0..200.0).contains(value)), "{truth:?}");
    let mut pairs: Vec<[f64; 2]> =
        jepa.iter().map(|row| [number(row, "predicted_label"), number(row, "predicted")]).collect();
    pairs.sort_by(|a, b| a[0].total_cmp(&b[0]));
    assert!(pairs.is_sorted_by(|a, b| a[1] <= b[1]), "{pairs:?}");
}

#[test]
fn what_is_missing_is_named_on_the_page() {
    let project = TestProject::new();
    project.copy(micro_run(0), "out");
    for path in project.find("out", "curves.jsonl").values() {
        fs::remove_file(path).expect("removable");
    }
    fs::remove_dir_all(project.path("out/samples")).expect("removable");
    project.run(["report", "out"]).exits_with(0);
    let text = page(&project, "out/report");
    assert!(text.contains("The run has no curves of pretraining"), "no curves");
    assert!(text.contains("The run has no sample fields of"), "no samples");
    assert!(text.contains("id=\"regimes\"") && project.path("out/report/figures/regimes-shear_flow.svg").is_file());

    let output = project.run(["report", "nowhere"]).exits_with(2);
    assert!(output.err.contains("run.json"), "{}", output.err);
}

#[test]
fn a_browser_shows_the_page_offline_and_sorts_its_tables() {
    let runs = |program: &&str| {
        let mut command = Command::new(program);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let Some(browser) = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(runs) else {
        println!("SKIPPED: there is no chromium");
        return;
    };
    let project = TestProject::new();
    project.copy(report_run(), "out");
    project.run(["report", "out"]).exits_with(0);
    let Some(mut python) = python("json") else { return };
    let checks = python
        .arg(fixture("report/browser.py"))
        .arg(project.path("out/report/report.html"))
        .args(["--browser", browser])
        .output()
        .expect("python3 runs");
    assert!(
        checks.status.success(),
        "{}{}",
        String::from_utf8_lossy(&checks.stdout),
        String::from_utf8_lossy(&checks.stderr)
    );
}
