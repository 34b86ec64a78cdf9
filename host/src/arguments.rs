//! Arguments that several commands share.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use physrep_records::Device;
use physrep_runner::DeviceSelection;

use crate::error::{Error, Result};

/// Where plugins are.
#[derive(Clone, Debug, Args)]
pub struct Plugins {
    /// Plugin crates, folders of crates, or libraries [default: the checkout's plugins folder].
    #[arg(long, value_name = "PATH")]
    pub plugins: Vec<PathBuf>,
}

/// Where methods compute.
#[derive(Clone, Debug, Args)]
pub struct DeviceArgument {
    /// Where methods compute; auto is the first NVIDIA GPU if there is one, else the CPU.
    #[arg(long, default_value = "auto", value_name = "auto|cpu|cuda:N")]
    device: DeviceSelection,
}

impl DeviceArgument {
    /// The device, and the reason if `auto` resolves to the CPU.
    pub fn resolve(&self) -> Result<(Device, Option<String>)> {
        Ok(self.device.resolve()?)
    }

    /// The device; if `auto` resolves to the CPU, the reason is printed to standard error.
    pub fn resolve_and_log(&self) -> Result<Device> {
        let (device, note) = self.resolve()?;
        if let Some(note) = note {
            eprintln!("{note}");
        }
        Ok(device)
    }
}

/// The duration of the argument `name`, given in seconds.
pub fn duration(name: &str, seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|e| Error::Usage(format!("{name} {seconds}: expected seconds, 0 or more ({e})")))
}
