//! A method in another process: a folder with a `method.toml`, which says how its program is started, and the program's files.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use physrep_benchmarks::regular_file;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::{Error, Result};

/// The file that makes a folder a method.
const SETTINGS: &str = "method.toml";

/// The most files of a method, and the most bytes of them.
const FILES: usize = 10_000;
const BYTES: u64 = 1 << 30;

/// What `method.toml` says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The name of the row.
    name: String,
    /// The program and its arguments.
    command: Vec<String>,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    reference: String,
    version: Option<String>,
    /// Whether a session can learn from several systems.
    #[serde(default)]
    joint: bool,
    /// Whether the encoder can be trained end to end.
    #[serde(default)]
    finetune: bool,
    /// Every key of the method's configuration with its default.
    #[serde(default)]
    config: toml::Table,
}

/// The folder of a method.
#[derive(Clone, Debug)]
pub(crate) struct MethodFolder {
    path: PathBuf,
    settings: Settings,
}

impl MethodFolder {
    /// Whether `path` is such a folder.
    pub(crate) fn is_one(path: &Path) -> bool {
        path.join(SETTINGS).is_file()
    }

    /// Reads the settings of the folder at `path`.
    ///
    /// # Errors
    ///
    /// [`Error::Plugin`] if they cannot be read; the message says what was expected.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let file = path.join(SETTINGS);
        let refuse = |reason: String| Error::Plugin { path: file.clone(), reason };
        let path = path.canonicalize().map_err(|e| refuse(format!("cannot be opened: {e}")))?;
        let text = regular_file::read_text(&file).map_err(|e| refuse(format!("cannot be read: {e}")))?;
        let settings: Settings = toml::from_str(&text).map_err(|e| refuse(e.to_string()))?;
        if settings.command.first().is_none_or(String::is_empty) {
            return Err(refuse("`command` is empty; expected a program and its arguments".into()));
        }
        if has_null(&json!(settings.config)) {
            return Err(refuse("a default in `config` is NaN or infinite; expected a number".into()));
        }
        Ok(Self { path, settings })
    }

    /// The folder, an absolute path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The program and its arguments, as messages show them.
    pub(crate) fn command(&self) -> String {
        self.settings.command.join(" ")
    }

    /// Whether the method can train its encoder end to end.
    pub(crate) fn finetunes(&self) -> bool {
        self.settings.finetune
    }

    /// The file of the program, if the command names it by a path.
    pub(crate) fn program(&self) -> Option<PathBuf> {
        let program = self.settings.command.first()?;
        program.contains('/').then(|| self.path.join(program))
    }

    /// The description of the method, as a library of its own would give it.
    pub(crate) fn description(&self) -> Value {
        let Settings { name, version, summary, reference, joint, finetune, config, .. } = &self.settings;
        json!({
            "name": name,
            "version": version,
            "summary": summary,
            "reference": reference,
            "default_config": config,
            "joint_pretraining": joint,
            "end_to_end": finetune,
        })
    }

    /// The configuration of a session of the library that starts the program, with these settings of the method.
    pub(crate) fn session_config(&self, config: &Value) -> Value {
        let Settings { name, command, config: defaults, .. } = &self.settings;
        json!({ "name": name, "folder": self.path, "command": command, "defaults": defaults, "config": config })
    }

    /// BLAKE3 of the names and contents of all files of the method, in hexadecimal. Hidden files, caches of Python and virtual
    /// environments are none of them.
    ///
    /// # Errors
    ///
    /// [`Error::Plugin`] if a file cannot be read, or there are too many.
    pub(crate) fn checksum(&self) -> Result<String> {
        let refuse = |reason: String| Error::Plugin { path: self.path.clone(), reason };
        let mut files = Vec::new();
        list(&self.path, &mut files).map_err(|error| refuse(format!("its files cannot be listed: {error}")))?;
        let sizes = files.iter().map(|file| file.metadata().map_or(0, |found| found.len())).sum::<u64>();
        if files.len() > FILES || sizes > BYTES {
            return Err(refuse(format!(
                "{} files of {} MiB are too many: the code of a method has at most {FILES} files and {} MiB; keep weights and data \
                 elsewhere, and name that folder in PHYSREP_READABLE",
                files.len(),
                sizes >> 20,
                BYTES >> 20
            )));
        }
        files.sort();
        let mut hasher = blake3::Hasher::new();
        for file in files {
            let mut content = Vec::new();
            let read = regular_file::open(&file).and_then(|mut opened| opened.read_to_end(&mut content));
            read.map_err(|error| refuse(format!("{}: {error}", file.display())))?;
            let name = file.strip_prefix(&self.path).expect("it is below the folder").as_os_str().as_encoded_bytes();
            for part in [name, &content] {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part);
            }
        }
        Ok(hasher.finalize().to_hex().to_string())
    }
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(entries) => entries.values().any(has_null),
        _ => false,
    }
}

/// Adds the files below `folder`. Links are followed; one that leads back to where it is from ends in an error of the system.
fn list(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        if name.as_encoded_bytes().starts_with(b".") || name == "__pycache__" || path.join("pyvenv.cfg").exists() {
            continue;
        }
        if fs::metadata(&path)?.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
        if files.len() > FILES {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(settings: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(SETTINGS), settings).expect("written");
        folder
    }

    const MINE: &str = "name = \"mine\"\ncommand = [\"python3\", \"method.py\"]\n[config]\ndim = 8\n";

    #[test]
    fn settings_become_the_description_and_the_configuration_of_sessions() {
        let folder = folder(MINE);
        let method = MethodFolder::read(folder.path()).expect("a method");
        let description = method.description();
        assert_eq!((&description["name"], &description["default_config"]["dim"]), (&json!("mine"), &json!(8)));
        let config = method.session_config(&json!({ "dim": 4 }));
        assert_eq!((&config["command"][1], &config["config"]["dim"]), (&json!("method.py"), &json!(4)));
        assert_eq!(method.program(), None, "found on PATH");
    }

    #[test]
    fn wrong_settings_are_refused_with_the_file_and_the_line() {
        for (settings, expected) in [
            ("name = \"mine\"", "missing field `command`"),
            ("name = \"mine\"\ncommand = []", "`command` is empty"),
            ("name = \"mine\"\ncommand = [\"a\"]\nsumary = \"\"", "unknown field `sumary`"),
            ("name = \"mine\"\ncommand = [\"a\"]\n[config]\nlr = nan", "NaN or infinite"),
        ] {
            let folder = folder(settings);
            let error = MethodFolder::read(folder.path()).expect_err(settings).to_string();
            assert!(error.contains(expected) && error.contains(SETTINGS), "{error}");
        }
    }

    #[test]
    fn the_checksum_covers_code_and_nothing_that_changes_by_itself() {
        let folder = folder(MINE);
        let checksum = || MethodFolder::read(folder.path()).expect("a method").checksum().expect("readable");
        let mut seen = vec![checksum()];
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        };
        for name in ["__pycache__/method.pyc", ".git/HEAD", "venv/pyvenv.cfg", "venv/lib/numpy.py"] {
            write(name, "x");
            assert_eq!(checksum(), seen[0], "{name}");
        }
        for (name, text) in [("method.py", "a"), ("method.py", "b"), ("more/net.py", "a"), ("more/net.p", "ya")] {
            write(name, text);
            let found = checksum();
            assert!(!seen.contains(&found), "{name} {text}");
            seen.push(found);
        }
    }
}
