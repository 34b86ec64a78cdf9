//! `report`: one page that needs nothing but itself, and its figures as files.

mod bench;

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use bench::Bench;

/// A run on two systems with two seeds and shares of labels, in which one method fails.
fn run(bench: &Bench) {
    let suite = fs::read_to_string(bench::fixture("suites/pair.toml")).expect("the suite");
    let suite = suite.replacen("[probe.attentive]", "[probe]\nlabel_fractions = [0.5, 1]\n\n[probe.attentive]", 1);
    fs::write(bench.path("pair.toml"), suite).expect("writable");
    let plugins = ["plugins/jepa", "tests/plugins/hostile"].map(|name| bench::root().join(name).display().to_string());
    let arguments = ["all", "--suite", "./pair.toml", "--data", "data", "--out", "out", "--seeds", "0,1"];
    let more = ["--plugins", &plugins[0], "--plugins", &plugins[1], "--set", "hostile.fault=panic"];
    bench.run(arguments.iter().chain(&more)).ended_with(3);
}

/// Every file of the report, by its path.
fn files(bench: &Bench, folder: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let read = |path: PathBuf| fs::read_dir(path).expect("a folder").map(|entry| entry.expect("readable").path());
    let folder = bench.path(folder);
    let all = read(folder.clone()).chain(read(folder.join("figures"))).filter(|path| path.is_file());
    all.map(|path| (path.strip_prefix(&folder).expect("below").to_owned(), fs::read(&path).expect("readable")))
        .collect()
}

fn page(bench: &Bench, folder: &str) -> String {
    fs::read_to_string(bench.path(folder).join("report.html")).expect("a page")
}

#[test]
fn a_report_has_every_part_stands_alone_and_is_the_same_each_time() {
    let bench = Bench::new();
    run(&bench);
    bench.run(["report", "out"]).ended_with(0);
    bench.run(["report", "out", "--out", "again"]).ended_with(0);
    let report = files(&bench, "out/report");
    assert!(report == files(&bench, "again"), "the same run gives the same bytes");

    let page = page(&bench, "again");
    for section in
        ["scores", "predictions", "labels", "training", "cost", "fields", "health", "protocol", "environment"]
    {
        assert!(page.contains(&format!("<section id=\"{section}\"")), "{section}");
    }
    assert!(page.contains("cells have no result") && page.contains("panic"), "failures and why");
    // All that is loaded is in the page; the one address is a link.
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
fn the_scatter_has_what_the_records_predict() {
    let bench = Bench::new();
    run(&bench);
    bench.run(["report", "out"]).ended_with(0);
    let text = fs::read_to_string(bench.path("out/report/figures/predictions-shear_flow-Reynolds.csv")).expect("CSV");
    let rows: Vec<BTreeMap<String, String>> =
        csv::Reader::from_reader(text.as_bytes()).deserialize().collect::<Result<_, _>>().expect("rows");
    let number = |row: &BTreeMap<String, String>, column: &str| -> f64 { row[column].parse().expect("a number") };
    let jepa: Vec<_> = rows.iter().filter(|row| row["method"] == "jepa" && row["seed"] == "1").collect();
    let result = bench.results("out").into_iter().find(|result| {
        (result["system"] == "shear_flow" && result["method"] == "jepa")
            && (result["initialisation"] == "pretrained" && result["seed"] == 1)
    });
    let result = result.expect("a result");
    let readings = result["readings"].as_array().expect("readings");
    let reading = readings.iter().find(|reading| {
        (reading["probe"] == "attentive" && reading["split"] == "test")
            && (reading["label_fraction"] == 1.0 && reading["track"] == "frozen")
    });
    let parameter = &reading.expect("a reading")["parameters"][0];
    assert_eq!(jepa.len(), parameter["predicted"].as_array().expect("predictions").len());
    // The error by trajectory of the record follows from the marks.
    let error =
        jepa.iter().map(|row| (number(row, "true_label") - number(row, "predicted_label")).powi(2)).sum::<f64>();
    let recorded = parameter["trajectory_mse"].as_f64().expect("a number");
    assert!((error / jepa.len() as f64 - recorded).abs() < 1e-6 * recorded, "{error} {recorded}");
    // Raw values are of the suite's grid, and their order is that of the labels.
    let mut pairs: Vec<[f64; 2]> =
        jepa.iter().map(|row| [number(row, "predicted_label"), number(row, "predicted")]).collect();
    pairs.sort_by(|a, b| a[0].total_cmp(&b[0]));
    assert!(pairs.is_sorted_by(|a, b| a[1] <= b[1]), "{pairs:?}");
}

#[test]
fn what_is_not_there_is_said_to_be_missing() {
    let bench = Bench::new();
    bench.run(bench.all("plugins/jepa", "out", &["--methods", "jepa"])).ended_with(0);
    for path in bench.find("out", "curves.jsonl").values() {
        fs::remove_file(path).expect("removable");
    }
    fs::remove_dir_all(bench.path("data")).expect("removable");
    bench.run(["report", "out"]).ended_with(0);
    let text = page(&bench, "out/report");
    assert!(text.contains("curves of pretraining are not beside the results"), "no curves");
    assert!(text.contains("packed data is not on this machine"), "no data");

    let said = bench.run(["report", "nowhere"]).ended_with(2);
    assert!(said.err.contains("plan.json"), "{}", said.err);
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
    let bench = Bench::new();
    run(&bench);
    bench.run(["report", "out"]).ended_with(0);
    let Some(mut python) = bench::python("json") else { return };
    let checks = python
        .arg(bench::fixture("report/browser.py"))
        .arg(bench.path("out/report/report.html"))
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
