//! A cell: one method on one system with one seed, addressed by everything that determines its scores.

use std::path::{Path, PathBuf};

use physrep_benchmarks::{packed::clip_noise, suite::Suite};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    device::Device,
    error::{Error, Result},
    files,
    folder::{CellFolder, PretrainingFolder},
    identity::{Identity, Initialisation, PROTOCOL, SCHEMA, SuiteFacts, title},
    validity,
};

/// The encoder that is probed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum EncoderSpec {
    /// A plugin's method.
    Plugin {
        /// The method's name.
        name: String,
        /// The library.
        library: PathBuf,
        /// The folder of a method in another process, whose program the library starts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        folder: Option<PathBuf>,
        /// BLAKE3 of the library, or of the checksums of the library and of the folder.
        checksum: String,
        /// The keys of the method's configuration that differ from the defaults.
        config: Value,
        /// The state in which the encoder is probed.
        initialisation: Initialisation,
    },
    /// Embeddings that were made elsewhere, and put into the embedding cache of the cell.
    Elsewhere {
        /// The row's name.
        name: String,
        /// BLAKE3 of the embedding cache.
        checksum: String,
        /// What their author says of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<String>,
    },
    /// Hand-made statistics of the fields, probed by ridge regression: the floor that every method has to beat.
    Features,
    /// No encoder: the mean of the training labels.
    Mean,
}

impl EncoderSpec {
    /// The method's name in tables.
    pub fn method(&self) -> &str {
        match self {
            Self::Plugin { name, .. } | Self::Elsewhere { name, .. } => name,
            Self::Features => "features",
            Self::Mean => "mean",
        }
    }

    /// The state in which it is probed.
    pub fn initialisation(&self) -> Initialisation {
        match self {
            Self::Plugin { initialisation, .. } => *initialisation,
            Self::Elsewhere { .. } => Initialisation::Elsewhere,
            Self::Features | Self::Mean => Initialisation::None,
        }
    }

    /// Whether it is a floor, which the suite's trained probes are not fitted to.
    pub fn is_floor(&self) -> bool {
        matches!(self, Self::Features | Self::Mean)
    }

    /// Its part of a content address: everything except the paths of library and folder.
    fn address(&self) -> Value {
        let mut address = serde_json::json!(self);
        if let Some(encoder) = address.as_object_mut() {
            encoder.remove("library");
            encoder.remove("folder");
        }
        address
    }
}

/// The packed data of one system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSource {
    /// The system.
    pub system: String,
    /// The packed file.
    pub path: PathBuf,
    /// Its checksum.
    pub checksum: String,
}

/// The library that fits trained probes on a GPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeLibraryFile {
    /// The library.
    pub path: PathBuf,
    /// BLAKE3 of the library.
    pub checksum: String,
}

/// The description of a cell: everything that determines its scores.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cell {
    /// The whole suite.
    pub suite: Suite,
    /// The physical system, as its packed data.
    pub data: DataSource,
    /// The data of all systems of a joint pretraining, including the cell's own, in the suite's order. Empty for any other cell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joint: Vec<DataSource>,
    /// The encoder that is probed.
    pub encoder: EncoderSpec,
    /// The seed of the initial weights, the objective's randomness and the probes.
    pub seed: u64,
    /// Which trial of a tuning it is, from 0; none for a cell of a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<u64>,
    /// Where the method computes. Not part of the address: the plugin's build for another kind of device has another checksum,
    /// and that is part of it.
    #[serde(default)]
    pub device: Device,
    /// The library that fits trained probes on the device of the method; none if all probes are fitted on the CPU. Its checksum is
    /// part of the address, as a plugin's is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_library: Option<ProbeLibraryFile>,
}

impl Cell {
    /// The description at `path`.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or has names or a suite that no plan writes.
    pub fn read(path: &Path) -> Result<Self> {
        let cell: Self = files::read_json(path)?;
        let checked = cell.suite.check().and_then(|()| cell.identity().check());
        let joint = || cell.joint.iter().try_for_each(|source| validity::name("a system of `joint`", &source.system));
        match checked.and_then(|()| joint()) {
            Ok(()) => Ok(cell),
            Err(reason) => Err(Error::File { path: path.to_owned(), reason }),
        }
    }

    /// The method's name in tables.
    pub fn method(&self) -> &str {
        self.encoder.method()
    }

    /// The state in which the encoder is probed.
    pub fn initialisation(&self) -> Initialisation {
        self.encoder.initialisation()
    }

    /// The physical system.
    pub fn system(&self) -> &str {
        &self.data.system
    }

    /// The data that the encoder is trained on: that of all systems of a joint pretraining, or the cell's own.
    pub fn sources(&self) -> &[DataSource] {
        if self.joint.is_empty() { std::slice::from_ref(&self.data) } else { &self.joint }
    }

    /// The index of the cell's system among [`sources`](Self::sources).
    pub fn index(&self) -> usize {
        self.sources().iter().position(|source| source.system == self.data.system).unwrap_or_default()
    }

    /// Its identity, as in its record.
    pub fn identity(&self) -> Identity {
        Identity {
            key: self.key(),
            suite: SuiteFacts::of(&self.suite, self.system()),
            system: self.system().to_owned(),
            method: self.method().to_owned(),
            initialisation: self.initialisation(),
            seed: self.seed,
            trial: self.trial,
        }
    }

    /// The cell's content address: the hash of everything that determines the scores. Paths of files do not.
    pub fn key(&self) -> String {
        let mut address = self.pretraining_address();
        address["system"] = self.data.system.as_str().into();
        address["data"] = self.data.checksum.as_str().into();
        if let Some(library) = &self.probe_library {
            address["probe_library"] = library.checksum.as_str().into();
        }
        hash(&address)
    }

    /// Everything that determines the pretraining: the same for all cells of a joint one.
    fn pretraining_address(&self) -> Value {
        let systems: Vec<&str> = self.sources().iter().map(|source| source.system.as_str()).collect();
        let mut address = serde_json::json!({
            "protocol": PROTOCOL,
            "schema": SCHEMA,
            "noise": clip_noise::VERSION,
            "suite": self.suite.deciding(&systems),
            "encoder": self.encoder.address(),
            "seed": self.seed,
        });
        if !self.joint.is_empty() {
            address["joint"] = self.joint.iter().map(|source| source.checksum.as_str()).collect();
        }
        if let Some(trial) = self.trial {
            address["trial"] = trial.into();
        }
        address
    }

    /// Its name in messages: `jepa (random) on shear_flow, seed 0`, or `jepa, trial 3, on shear_flow, seed 0`.
    pub fn title(&self) -> String {
        title(self.method(), self.initialisation(), self.trial, self.system(), self.seed)
    }

    /// The cell's folder in the run folder `out`.
    pub fn folder(&self, out: &Path) -> CellFolder {
        let variant = self.initialisation().variant().map(|variant| format!("-{variant}")).unwrap_or_default();
        let (method, seed) = (format!("{}{variant}", self.method()), format!("seed{}-{}", self.seed, self.key()));
        CellFolder::at(match self.trial {
            None => out.join("cells").join(self.system()).join(method).join(seed),
            Some(trial) => out.join(format!("trial{trial:02}")).join(self.system()).join(seed),
        })
    }

    /// The folder of its pretraining in the run folder `out`: the cell's own, or one shared by the cells of a joint pretraining.
    pub fn pretraining(&self, out: &Path) -> PretrainingFolder {
        if self.joint.is_empty() {
            return PretrainingFolder::at(self.folder(out).path().to_owned());
        }
        let seed = format!("seed{}-{}", self.seed, hash(&self.pretraining_address()));
        PretrainingFolder::at(out.join("joint").join(self.method()).join(seed))
    }
}

/// A content address.
fn hash(address: &Value) -> String {
    blake3::hash(address.to_string().as_bytes()).to_hex()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use physrep_benchmarks::suite::Tuned;

    use super::*;

    fn source(system: &str) -> DataSource {
        DataSource { system: system.into(), path: "data".into(), checksum: format!("checksum of {system}") }
    }

    /// Two cells of a joint pretraining, one on either system.
    fn joint() -> [Cell; 2] {
        let systems = ["active_matter", "shear_flow", "rayleigh_benard"].map(source);
        [0, 1].map(|index| Cell {
            suite: Suite::load("tiny").expect("a suite"),
            data: systems[index].clone(),
            joint: systems.to_vec(),
            encoder: EncoderSpec::Plugin {
                name: "mpp".into(),
                library: "mpp.so".into(),
                folder: None,
                checksum: "checksum of mpp".into(),
                config: Value::Null,
                initialisation: Initialisation::Joint,
            },
            seed: 0,
            trial: None,
            device: Device::Cpu,
            probe_library: None,
        })
    }

    #[test]
    fn the_cells_of_a_joint_pretraining_share_only_its_folder() {
        let [one, other] = joint();
        assert_eq!((one.index(), other.index()), (0, 1));
        let out = Path::new("out");
        assert_eq!(one.pretraining(out).path(), other.pretraining(out).path());
        assert!(one.pretraining(out).path().starts_with("out/joint/mpp"));
        assert_ne!(one.key(), other.key());
        assert!(one.folder(out).path().starts_with("out/cells/active_matter/mpp-joint"));
    }

    #[test]
    fn the_data_of_every_system_is_part_of_the_address_of_a_joint_cell() {
        let [one, _] = joint();
        let mut changed = one.clone();
        changed.joint[2].checksum = "another".into();
        assert_ne!(one.key(), changed.key());
        assert_ne!(one.pretraining(Path::new("")).path(), changed.pretraining(Path::new("")).path());
        let mut moved = one.clone();
        moved.joint[2].path = "elsewhere".into();
        assert_eq!(one.key(), moved.key());
    }

    #[test]
    fn the_probe_library_is_part_of_the_address_of_a_cell_and_not_of_its_pretraining() {
        let [one, _] = joint();
        let file = |path: &str, checksum: &str| Some(ProbeLibraryFile { path: path.into(), checksum: checksum.into() });
        let with = |library| Cell { probe_library: library, ..one.clone() };
        let (here, there) = (with(file("here", "checksum")), with(file("there", "checksum")));
        assert_ne!(one.key(), here.key());
        assert_eq!(here.key(), there.key());
        assert_ne!(here.key(), with(file("here", "another")).key());
        let out = Path::new("out");
        assert_eq!(one.pretraining(out).path(), here.pretraining(out).path());
    }

    #[test]
    fn a_trial_has_an_address_of_its_own_and_a_tuning_changes_none() {
        let [mut cell, _] = joint();
        cell.joint.clear();
        let (before, trial) = (cell.key(), |trial| Cell { trial: Some(trial), ..cell.clone() });
        assert!(trial(0).key() != before && trial(0).key() != trial(1).key());
        assert!(trial(3).folder(Path::new("out")).path().starts_with("out/trial03/active_matter"));
        let tuned = Tuned { trials: 16, record: "mpp.json".into() };
        cell.suite.tuning.insert("mpp".into(), tuned);
        assert_eq!(before, cell.key());
    }

    #[test]
    fn joint_rows_do_not_change_the_address_of_other_cells() {
        let [mut cell, _] = joint();
        cell.joint.clear();
        cell.encoder = EncoderSpec::Mean;
        let before = cell.key();
        cell.suite.pretrain.joint = !cell.suite.pretrain.joint;
        assert_eq!(before, cell.key());
        assert_eq!(cell.index(), 0);
        let out = Path::new("out");
        assert_eq!(cell.pretraining(out).path(), cell.folder(out).path());
    }
}
