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
    for part in ["shear_flow", "32 points", "periodic", "34 frames, 0 to 8.25", "19 values, ", "8 trajectories, 1 file"]
    {
        assert!(output.out.contains(part), "{part} is missing:\n{}", output.out);
    }
    for part in ["19 x 34 x 16 x 32 x 2", "float32", "contiguous", "velocity_y", "training split"] {
        assert!(output.out.contains(part), "{part} is missing:\n{}", output.out);
    }
    let quick = project.run(["data", "info", "data", "--no-stats"]).exits_with(0);
    assert!(quick.out.contains("pressure") && !quick.out.contains("velocity_y"), "{}", quick.out);

    let json: Value =
        serde_json::from_str(&project.run(["data", "info", "--json", "data"]).exits_with(0).out).expect("JSON");
    let contents = &json[0]["contents"];
    let reynolds: Vec<f64> = serde_json::from_value(contents["parameters"][0]["values"].clone()).expect("numbers");
    assert_eq!(reynolds.len(), 19, "each trajectory has a value of its own");
    // The range and, on its logarithmic scale, 0.4 of it on either side.
    let [low, high] = [50.0 / 4f64.powf(0.4), 200.0 * 4f64.powf(0.4)];
    assert!(reynolds.iter().all(|value| (low..high).contains(value)), "{reynolds:?}");
    assert!(reynolds.iter().filter(|value| (50.0..200.0).contains(*value)).count() >= 17, "{reynolds:?}");
    assert_eq!(json[0]["splits"][0]["trajectories"], 8);
    let std = contents["channels"][0]["std"].as_f64().expect("a number");
    let yaml = fs::read_to_string(project.path("data/shear_flow/stats.yaml")).expect("readable");
    let kept = yaml.split_once("std:\n  tracer: ").expect("it is there").1.split_once('\n').expect("a line").0;
    assert!(
        (std / kept.parse::<f64>().expect("a number") - 1.0).abs() < 1e-4,
        "{std} in the report, {kept} in stats.yaml"
    );

    let output = project.run(["data", "verify", "data"]).exits_with(0);
    assert_eq!(output.out, "4 files, 19 trajectories, 5.1 MiB: sound\n");
}
