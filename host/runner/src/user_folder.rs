//! The folder of the user for data and caches.

use std::{env, fs, path::PathBuf};

use crate::error::{Error, Result};

/// The folder for data and caches, created if missing: `PHYSREP_DATA`, or `physrep-bench` in the user's folder for data.
///
/// # Errors
///
/// [`Error::Usage`] if the system names no folder of the user, or it cannot be created.
pub fn user_folder() -> Result<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let named = [("PHYSREP_DATA", ""), ("XDG_DATA_HOME", "physrep-bench"), ("HOME", ".local/share/physrep-bench")];
    let named = named.into_iter().find_map(|(variable, below)| Some((variable, set(variable)?.join(below))));
    let Some((variable, folder)) = named else {
        let none = "there is no folder for data: set PHYSREP_DATA to one, or name one with --data";
        return Err(Error::Usage(none.into()));
    };
    match fs::create_dir_all(&folder) {
        Ok(()) => Ok(folder),
        Err(error) => Err(Error::Usage(format!(
            "{}, the folder for data by {variable}, cannot be created: {error}; set PHYSREP_DATA to one that can",
            folder.display()
        ))),
    }
}
