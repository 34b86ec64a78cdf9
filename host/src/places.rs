//! Where files are that no option names: in the checkout, or in one folder of the user.

use std::{
    env,
    path::{Path, PathBuf},
};

use physrep_runner::user_folder;
use sha2::{Digest, Sha256};

use crate::error::Result;

/// The checkout of physrep-bench that encloses the working directory, if there is one.
pub fn checkout() -> Option<PathBuf> {
    let here = env::current_dir().ok()?;
    here.ancestors().find(|folder| is_checkout(folder)).map(Path::to_owned)
}

fn is_checkout(folder: &Path) -> bool {
    ["Cargo.toml", "plugin-api/Cargo.toml", "plugins", "benchmarks/suites"]
        .iter()
        .all(|path| folder.join(path).exists())
}

/// The folder of the run called `name`, [beside methods](beside_methods).
pub fn run(name: &str) -> PathBuf {
    beside_methods("runs", name)
}

/// The folder `folder/name`: below the working directory or, if that is in the folder of a method's program, which reads all that is in
/// there, beside that folder.
pub fn beside_methods(folder: &str, name: &str) -> PathBuf {
    let path = Path::new(folder).join(name);
    let Ok(here) = env::current_dir() else { return path };
    let program = here.ancestors().find(|folder| folder.join("method.toml").is_file());
    program.and_then(Path::parent).map_or(path.clone(), |beside| beside.join(&path))
}

/// The run in the folder of runs that was planned last, if there is one.
pub fn latest_run() -> Option<PathBuf> {
    let folder = run("");
    let planned = |run: &Path| run.join("run.json").metadata().and_then(|file| file.modified()).ok();
    let runs = folder.read_dir().ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    runs.filter_map(|run| Some((planned(&run)?, run))).max().map(|(_, run)| run)
}

/// The folder of the data called `name`: in the checkout that encloses the working directory, unless `PHYSREP_DATA` is set, or in the
/// folder of the user.
///
/// # Errors
///
/// Those of [`user_folder`].
pub fn data(name: &str) -> Result<PathBuf> {
    match checkout().filter(|_| env::var_os("PHYSREP_DATA").is_none()) {
        Some(checkout) => Ok(checkout.join("data").join(name)),
        None => Ok(user_folder()?.join("data").join(name)),
    }
}

/// The folder of the packed data of a folder of data that cannot be written: one for each such folder, in the folder of the user.
///
/// # Errors
///
/// Those of [`user_folder`].
pub fn packed_cache(data: &Path) -> Result<PathBuf> {
    let place = data.canonicalize().unwrap_or_else(|_| data.to_owned());
    let hash: String =
        Sha256::digest(place.as_os_str().as_encoded_bytes())[..4].iter().map(|b| format!("{b:02x}")).collect();
    let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(user_folder()?.join("packed").join(format!("{name}-{hash}")))
}
