//! `data info` and `data verify` on valid data.

use std::fs;

use serde_json::Value;

use super::generate_micro;
use crate::support::TestProject;

#[test]
fn valid_data_is_described_and_verified() {
    let project = TestProject::new();
    generate_micro(&project);
    let output = project.run(["data", "info", "data"]).exits_with(0);
    for part in ["shear_flow", "32 points", "periodic", "34 frames, 0 to 8.25", "50, 200", "8 trajectories, 4 files"] {
        assert!(output.out.contains(part), "{part} is missing:\n{}", output.out);
    }
    for part in ["16 x 34 x 16 x 32 x 2", "float32", "contiguous", "velocity_y", "training split"] {
        assert!(output.out.contains(part), "{part} is missing:\n{}", output.out);
    }
    let quick = project.run(["data", "info", "data", "--no-stats"]).exits_with(0);
    assert!(quick.out.contains("pressure") && !quick.out.contains("velocity_y"), "{}", quick.out);

    let json: Value =
        serde_json::from_str(&project.run(["data", "info", "--json", "data"]).exits_with(0).out).expect("JSON");
    let contents = &json[0]["contents"];
    assert_eq!(contents["parameters"][0]["values"], serde_json::json!([50.0, 200.0]));
    assert_eq!(json[0]["splits"][0]["trajectories"], 8);
    let std = contents["channels"][0]["std"].as_f64().expect("a number");
    let yaml = fs::read_to_string(project.path("data/shear_flow/stats.yaml")).expect("readable");
    let kept = yaml.split_once("std:\n  tracer: ").expect("it is there").1.split_once('\n').expect("a line").0;
    assert!(
        (std / kept.parse::<f64>().expect("a number") - 1.0).abs() < 1e-4,
        "{std} in the report, {kept} in stats.yaml"
    );

    let output = project.run(["data", "verify", "data"]).exits_with(0);
    assert_eq!(output.out, "12 files, 16 trajectories, 4.4 MiB: sound\n");
}
