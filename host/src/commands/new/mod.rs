//! `physrep-bench new`: a new method, a crate or a program in Python, anywhere on disk.

mod files;
mod python;
mod rust_crate;

use std::{env, fs, path::PathBuf, process::ExitCode};

use clap::Args;
use physrep_runner::interrupt;

use crate::{
    error::{Error, Result},
    output::say,
    places,
    sdk::Sdk,
    shell::quoted,
    whole_folder::make_whole,
};

/// Rows that every table has.
const FLOORS: [&str; 2] = ["features", "mean"];

/// Names that no crate or type can have.
const RESERVED: [&str; 9] = ["alloc", "build", "core", "crate", "proc-macro", "self", "std", "super", "test"];

/// The method to begin.
#[derive(Debug, Args)]
pub struct New {
    /// Its name, in lower-case letters, digits and dashes.
    name: String,
    /// The folder that the method's own folder is made in [default: the working directory].
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
    /// In Python, with numpy, instead of a crate in Rust.
    #[arg(long)]
    python: bool,
}

impl New {
    /// Writes the files, and says what to do next.
    pub fn run(self) -> Result<ExitCode> {
        interrupt::install_signal_handlers()?;
        let sdk = Sdk::find()?;
        self.check_name(&sdk)?;
        let here = match &self.path {
            Some(path) => path.clone(),
            None => env::current_dir().map_err(Error::io("."))?,
        };
        fs::create_dir_all(&here).map_err(Error::io(&here))?;
        let here = here.canonicalize().map_err(Error::io(&here))?;
        let folder = here.join(&self.name);
        if folder.exists() {
            return Err(Error::Usage(format!("{} exists already; choose another name or --path", folder.display())));
        }
        make_whole(&folder, || match self.python {
            true => python::write(&self.name, &folder),
            false => rust_crate::write(&self.name, &folder, &sdk),
        })?;
        say!("{} has the method `{}`. Next:", folder.display(), self.name);
        say!("  cd {}", quoted(&folder.display().to_string()));
        say!("  physrep-bench check .                   # whether it keeps to its contract");
        say!("  physrep-bench all --suite smoke.toml    # a table within seconds");
        if self.python {
            say!(
                "`python3` is that of PATH, and needs numpy; src/method.toml can name another, such as .venv/bin/python."
            );
        }
        if places::checkout().is_none() {
            say!("The first of these builds what all methods share, once: 8 minutes on two busy cores.");
        }
        Ok(ExitCode::SUCCESS)
    }

    fn check_name(&self, sdk: &Sdk) -> Result<()> {
        let name = &self.name;
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let starts_with_letter = name.starts_with(|c: char| c.is_ascii_lowercase());
        if name.len() > 64 || !starts_with_letter || name.ends_with('-') || !name.chars().all(allowed) {
            return Err(Error::Usage(format!(
                "{name:?} cannot be the name of a method: expected up to 64 lower-case letters, digits and dashes, such as \
                 my-method, beginning with a letter"
            )));
        }
        if RESERVED.contains(&name.as_str()) || name.starts_with("physrep-") {
            return Err(Error::Usage(format!(
                "{name:?} is a word or a crate of Rust's or of ours; choose another name"
            )));
        }
        if FLOORS.contains(&name.as_str()) || sdk.methods().join(name).is_dir() {
            return Err(Error::Usage(format!("there is a row `{name}` already; choose another name")));
        }
        Ok(())
    }
}
