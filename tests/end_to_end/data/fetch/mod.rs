//! `data fetch` against a server with the faults of networks and servers.

mod download;
mod faults;
mod networks;

use std::{fs, path::Path};

use physrep_benchmarks::{
    systems::{Boundary, Field, Rank},
    well::{WellAxis, WellLayout, WellScalar, WellWriter},
};

use crate::support::{Output, TestProject, hub::Hub};

const TOKEN: &str = "hf_a_secret_token";
const NAME: &str = "shear_flow_Reynolds_1e4_Schmidt_1e-1.hdf5";

/// The path of a data file on the hub.
fn data(split: &str) -> String {
    format!("data/{split}/{NAME}")
}

/// The bytes of a small file of The Well with `trajectories` trajectories.
fn well_file(folder: &Path, trajectories: usize) -> Vec<u8> {
    let axis = |name: &str| WellAxis {
        name: name.into(),
        boundary: Boundary::Periodic,
        coordinates: (0..8).map(|i| i as f32 / 8.0).collect(),
    };
    let layout = WellLayout {
        dataset: "shear_flow".into(),
        trajectories,
        times: vec![0.0, 0.1, 0.2],
        axes: [axis("x"), axis("y")],
        fields: vec![Field::new("tracer", Rank::Scalar)],
        scalars: [("Reynolds", 1e4), ("Schmidt", 0.1)]
            .map(|(name, value)| WellScalar { name: name.into(), values: vec![value] })
            .into(),
    };
    let path = folder.join("made.hdf5");
    let mut writer = WellWriter::create(&path, layout, None).expect("writable");
    for trajectory in 0..trajectories {
        let values: Vec<f32> = (0..3 * 64).map(|i| (i + 1000 * trajectory) as f32).collect();
        writer.write(trajectory, 0, &values).expect("writable");
    }
    writer.finish().expect("writable");
    fs::read(path).expect("readable")
}

/// A hub that serves a small set of data.
pub fn hub() -> Hub {
    let (folder, hub) = (TestProject::new(), Hub::start());
    for (n, split) in ["train", "valid", "test"].into_iter().enumerate() {
        hub.serve(&data(split), well_file(&folder.path(""), 4 - n), true);
    }
    hub.serve("README.md", "not wanted", false);
    hub.serve("stats.yaml", "mean: {tracer: 2.3845E-03}\n", false);
    hub.serve("shear_flow.yaml", "dataset_name: shear_flow\n", false);
    hub
}

struct Setting {
    project: TestProject,
    hub: Hub,
}

impl Setting {
    fn new() -> Self {
        Self { project: TestProject::new(), hub: hub() }
    }

    /// `data fetch shear_flow --out wells` and `more`.
    fn fetch(&self, more: &[&str]) -> Output {
        self.fetch_with(more, &[])
    }

    /// The same in another environment.
    fn fetch_with(&self, more: &[&str], environment: &[(&str, &str)]) -> Output {
        let arguments = ["data", "fetch", "shear_flow", "--out", "wells", "--retry-wait", "0.01"];
        let mut command = self.project.command(arguments.iter().chain(more));
        command.env("HF_ENDPOINT", format!("http://127.0.0.1:{}/", self.hub.port)).env("HF_TOKEN", TOKEN);
        for proxy in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
            command.env_remove(proxy).env_remove(proxy.to_uppercase());
        }
        for certificates in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"] {
            command.env_remove(certificates);
        }
        command.envs(environment.iter().copied());
        let output: Output = command.output().expect("the program runs").into();
        assert!(!output.err.contains(TOKEN) && !output.out.contains(TOKEN), "the token is nowhere in\n{}", output.err);
        assert!(!output.err.contains("s3cret"), "nor is a signature in\n{}", output.err);
        output
    }

    /// Fetches with exit code 1; gives the last line, which is the error.
    fn error(&self, more: &[&str]) -> String {
        let output = self.fetch(more).exits_with(1);
        let last = output.err.lines().last().unwrap_or_default().to_owned();
        assert!(last.starts_with("error: "), "{}", output.err);
        last
    }

    /// Whether the file was fetched; panics if its bytes are not those of the hub.
    fn has(&self, path: &str) -> bool {
        let Ok(found) = fs::read(self.project.path("wells/shear_flow").join(path)) else { return false };
        assert!(found == self.hub.state().files[path].bytes, "{path} has other bytes");
        true
    }

    fn has_all(&self) -> bool {
        let files = ["train", "valid", "test"].map(data);
        files.iter().all(|path| self.has(path)) && self.has("stats.yaml") && self.has("shear_flow.yaml")
    }

    /// The names of the partial files of a split.
    fn parts(&self, split: &str) -> Vec<String> {
        let folder = self.project.path("wells/shear_flow/data").join(split);
        let names = fs::read_dir(folder).expect("there").map(|entry| entry.expect("readable").file_name());
        names.map(|name| name.to_string_lossy().into_owned()).filter(|name| name.ends_with(".part")).collect()
    }
}
