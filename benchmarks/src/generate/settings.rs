//! The settings that data was generated with, kept beside it so that no folder mixes data of two.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::checksums::Checksums;
use crate::atomic_file::{create_folder, replace_with};
use crate::error::IoContext;
use crate::suite::{Generation, Parameter, SystemSuite};
use crate::systems::System;
use crate::{Error, Result, regular_file};

/// Increases whenever the same settings would give other files than before.
const GENERATOR: u32 = 2;

/// Everything that the bytes of the data depend on.
#[derive(Serialize, Deserialize)]
pub(crate) struct GenerationSettings {
    /// Hash of the settings.
    pub key: String,
    settings: Map<String, Value>,
}

impl GenerationSettings {
    /// The settings of the data that a suite asks for.
    pub fn of(seed: u64, section: &SystemSuite, generation: &Generation, system: &dyn System) -> Self {
        let constants = section.constants(system);
        let constants: Map<_, _> = system
            .constants()
            .iter()
            .zip(constants)
            .map(|(known, value)| (known.name.to_owned(), json!(value)))
            .collect();
        let entries = [
            ("generator", json!(GENERATOR)),
            ("system", json!(system.name())),
            ("system_version", json!(system.version())),
            ("seed", json!(seed)),
            ("solve", json!(generation.solve)),
            ("store", json!(section.store)),
            ("frames", json!(section.frames)),
            ("dt", json!(section.dt)),
            ("gzip", json!(generation.gzip)),
            ("trajectories", json!(generation.trajectories)),
            ("constants", Value::Object(constants)),
            ("parameters", section.parameters.iter().map(drawn).collect()),
            ("regimes", json!(generation.regimes)),
            ("initial", json!(generation.initial)),
        ];
        let settings: Map<_, _> = entries.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
        let mut all = Self { key: String::new(), settings };
        all.key = all.hash();
        all
    }

    /// The hash of the settings, which is their key unless somebody has changed the file.
    pub fn hash(&self) -> String {
        blake3::hash(Value::Object(self.settings.clone()).to_string().as_bytes()).to_hex().to_string()
    }

    /// One of the settings, if it is there and of this type.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.settings.get(name).and_then(|value| T::deserialize(value).ok())
    }

    /// Where they are kept.
    pub fn file(folder: &Path) -> PathBuf {
        folder.join("generated.json")
    }

    /// The settings kept in `folder`, if there are any.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = Self::file(folder);
        if !path.exists() {
            return Ok(None);
        }
        let text = regular_file::read(&path).at("read", &path)?;
        let found = serde_json::from_slice(&text)
            .map_err(|e| Error::format(&path, "file", "the settings of generated data", e.to_string()))?;
        Ok(Some(found))
    }

    /// Writes the settings into a folder without data; refuses a folder of other settings, or with data that was not
    /// generated.
    pub fn claim(&self, folder: &Path) -> Result<()> {
        let of_these_settings = || Checksums::read(folder).is_some_and(|known| known.key == self.key);
        match Self::read(folder) {
            Ok(Some(found)) if found.key == found.hash() => return self.check(found, folder).map(drop),
            Ok(None) => {}
            // Damaged: the checksums say which settings the files are of.
            Ok(Some(_)) | Err(Error::Format { .. }) if of_these_settings() => {}
            Ok(Some(_)) => {
                let advice = "remove this folder's data and generate it again".into();
                return Err(Error::Damaged { path: Self::file(folder), place: "the key".into(), advice });
            }
            Err(error) => return Err(error),
        }
        if folder.join("data").exists() && !of_these_settings() {
            // Another process that generates this data may have begun since.
            if let Some(found) = Self::read(folder)? {
                return self.check(found, folder).map(drop);
            }
            let reason = "it holds data that was not generated here; choose another folder";
            return Err(Error::folder(folder, reason));
        }
        create_folder(folder)?;
        let text = serde_json::to_vec_pretty(self).expect("settings are plain JSON");
        replace_with(&Self::file(folder), &text)
    }

    /// The key, if `found`, what `folder` holds, are these settings.
    pub fn check(&self, found: Self, folder: &Path) -> Result<String> {
        if found.key == self.key {
            return Ok(found.key);
        }
        let differ: Vec<_> = self
            .settings
            .iter()
            .filter(|(name, value)| found.settings.get(*name) != Some(value))
            .map(|(name, value)| {
                format!("{name} {} instead of {value}", found.settings.get(name).unwrap_or(&Value::Null))
            })
            .collect();
        let reason = format!(
            "it holds data generated with other settings ({}); choose another folder, or delete this one",
            differ.join("; ")
        );
        Err(Error::folder(folder, reason))
    }
}

/// What decides the values of a parameter.
fn drawn(parameter: &Parameter) -> Value {
    json!({ "name": parameter.name, "range": parameter.range, "scale": parameter.scale })
}
