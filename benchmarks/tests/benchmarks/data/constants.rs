//! Constants of a system: what a suite may set, and how it reaches the solver, the files and the key.

use std::fs;
use std::path::Path;

use hdf5::types::VarLenUnicode;
use hdf5::{File, Location};
use physrep_benchmarks::Split;
use physrep_benchmarks::generate::{data_key, generate};
use physrep_benchmarks::packed::{Packed, pack};
use physrep_benchmarks::suite::Suite;
use physrep_benchmarks::systems::active_matter::ActiveMatterSystem;
use physrep_benchmarks::well::{WellFile, WellScalar, split_files};

use crate::support::{Waves, says, suite_with};

/// A suite of active matter with that entry in `[system.generate]`.
fn active(constants: &str) -> Suite {
    let text = format!(
        r#"
name = "rods"
version = 1
seed = 7
seeds = [0]
window = {{ context = 2, future = 1, stride = {{ train = 1, valid = 1, test = 1 }} }}
pretrain = {{ samples = 100, batch = 4 }}
probe.attentive = {{ epochs = 2, batch = 4, lr = 1e-3, weight_decay = 0.01 }}

[[system]]
name = "active_matter"
store = [16, 16]
frames = 3
dt = 0.5
parameters = [{{ name = "zeta", range = [0.5, 1] }}, {{ name = "alpha", range = [-1.5, -1] }}]

[system.generate]
solve = [16, 16]
trajectories = {{ train = 2, valid = 1, test = 1 }}
initial = [{{ name = "seed" }}]
{constants}
"#
    );
    Suite::parse(&text, "test").unwrap()
}

/// The key of the data, and the first training file with the velocity in it.
fn generated(suite: &Suite, folder: &Path) -> (String, WellFile, Vec<f32>) {
    let summary = generate(suite, &ActiveMatterSystem, folder, 2, &()).unwrap();
    let path = split_files(folder, "active_matter", Split::Train).unwrap().remove(0);
    let file = WellFile::open(&path).unwrap();
    let velocity = file.read("velocity", 0..1, 0..3).unwrap();
    (summary.key, file, velocity)
}

#[test]
fn files_hold_the_length_before_the_parameters_as_published_ones_do() {
    let folder = tempfile::tempdir().unwrap();
    let (_, well, _) = generated(&active(""), folder.path());
    let file = File::open(well.path()).unwrap();
    let texts = |location: &Location, name: &str| {
        let texts = location.attr(name).unwrap().read_1d::<VarLenUnicode>().unwrap();
        texts.iter().map(|text| text.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(texts(&file.group("scalars").unwrap(), "field_names"), ["L", "zeta", "alpha"]);
    assert_eq!(texts(&file, "simulation_parameters"), ["L"], "what the trajectories of the file share");
    assert_eq!(file.attr("L").unwrap().read_scalar::<f64>().unwrap(), 10.0);
    assert_eq!(file.dataset("scalars/L").unwrap().read_scalar::<f32>().unwrap(), 10.0);
    let yaml = fs::read_to_string(folder.path().join("active_matter/active_matter.yaml")).unwrap();
    assert!(yaml.contains("\nconstant_scalar_names: [L, zeta, alpha]\n"), "{yaml}");
}

#[test]
fn what_a_suite_sets_reaches_the_solver_the_files_and_the_key() {
    let folders = [0; 4].map(|_| tempfile::tempdir().unwrap());
    let entries = ["", "constants = { L = 10, d_T = 0.05 }", "constants = { d_T = 0.02 }", "constants = { L = 5 }"];
    let suites = entries.map(active);
    let length = |value: f64| WellScalar { name: "L".into(), values: vec![value] };
    let of = |i: usize| generated(&suites[i], folders[i].path());
    let [(key_0, _, default), (key_1, _, same), (key_2, other, diffusive), (key_3, small, short)] =
        [0, 1, 2, 3].map(of);
    assert!(key_0 == key_1 && default == same, "the defaults, written out, are the defaults");
    assert!(key_0 != key_2 && default != diffusive && other.layout().scalars[0].values == [10.0]);
    assert!(key_0 != key_3 && default != short && small.layout().scalars[0] == length(5.0));
    assert_eq!(small.layout().axes[1].coordinates[8], 2.5);

    let out = folders[3].path().join("packed");
    let packed: Packed = pack(&suites[3], &ActiveMatterSystem, folders[3].path(), &out, &()).unwrap();
    assert_eq!(packed.header().axes[0].coordinates[8], 2.5, "clips have the spacing of the shorter domain");
    says(data_key(&suites[3], &ActiveMatterSystem, folders[0].path()), &["constants", r#""L":10.0"#, r#""L":5.0"#]);
    says(generate(&suites[2], &ActiveMatterSystem, folders[0].path(), 1, &()), &[r#""d_T":0.02"#, "another folder"]);
    assert_eq!(Suite::parse(&toml::to_string(&suites[2]).unwrap(), "again").unwrap(), suites[2]);
}

#[test]
fn constants_that_a_system_does_not_have_are_refused() {
    let unknown = active("constants = { d_t = 0.02 }");
    says(unknown.section(&ActiveMatterSystem), &["active_matter", "L, d_T, d_R, but one is d_t"]);
    let none = suite_with("solve = [8, 12]", "solve = [8, 12]\nconstants = { L = 1 }").unwrap();
    says(none.section(&Waves::default()), &["shear_flow", "none, but one is L"]);
    for value in ["nan", "inf"] {
        let by = format!("solve = [8, 12]\nconstants = {{ L = {value} }}");
        says(suite_with("solve = [8, 12]", &by), &["suite test", "constant L must be finite"]);
    }
}
