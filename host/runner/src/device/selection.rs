//! The selection of the device to compute on.

use std::{fmt, str::FromStr};

use physrep_records::Device;

use super::gpus::{CudaDriver, Gpu, cuda_compiler, visible_gpus};
use crate::error::{Error, Result};

/// The requested device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceSelection {
    /// The first usable GPU, else the CPU.
    Auto,
    /// A given device.
    This(Device),
    /// All GPUs, for commands that run several cells: one cell on each.
    AllGpus,
}

impl FromStr for DeviceSelection {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::This(Device::Cpu)),
            "cuda:all" => Ok(Self::AllGpus),
            "cuda" => Ok(Self::This(Device::Cuda(0))),
            _ => match text.strip_prefix("cuda:").map(str::parse) {
                Some(Ok(index)) => Ok(Self::This(Device::Cuda(index))),
                _ => Err("expected auto, cpu, cuda:N or cuda:all".into()),
            },
        }
    }
}

impl fmt::Display for DeviceSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::This(device) => device.fmt(f),
            Self::AllGpus => f.write_str("cuda:all"),
        }
    }
}

impl DeviceSelection {
    /// The device of each cell, the reason if `auto` resolves to the CPU, and for all GPUs how each of them is made the only one that a
    /// process sees: the value of `CUDA_VISIBLE_DEVICES`.
    ///
    /// # Errors
    ///
    /// If the requested GPU does not exist.
    pub fn resolve_for_cells(self) -> Result<(Device, Option<String>, Vec<String>)> {
        if self != Self::AllGpus {
            let (device, note) = self.resolve()?;
            return Ok((device, note, Vec::new()));
        }
        let driver = CudaDriver::load().map_err(|why| Error::Usage(format!("--device cuda:all: {why}")))?;
        Ok((Device::Cuda(0), None, visible_gpus(driver.gpus.len())))
    }

    /// The device, and the reason if `auto` resolves to the CPU.
    ///
    /// # Errors
    ///
    /// If the requested GPU does not exist, or it is all.
    pub fn resolve(self) -> Result<(Device, Option<String>)> {
        match self {
            Self::AllGpus => {
                Err(Error::Usage("--device cuda:all: expected one device; this runs no more than one cell".into()))
            }
            Self::This(Device::Cpu) => Ok((Device::Cpu, None)),
            Self::This(Device::Cuda(index)) => {
                let refuse = |why: String| Error::Usage(format!("--device cuda:{index}: {why}"));
                let driver = CudaDriver::load().map_err(refuse)?;
                if driver.gpus.iter().any(|gpu| gpu.index == index) {
                    return Ok((Device::Cuda(index), None));
                }
                let gpus: Vec<String> = driver.gpus.iter().map(Gpu::to_string).collect();
                Err(refuse(format!("there is no such GPU; the driver lists: {}", gpus.join("; "))))
            }
            Self::Auto => match CudaDriver::load() {
                Err(why) => Ok((Device::Cpu, Some(format!("device: cpu ({why})")))),
                Ok(driver) if cuda_compiler().is_none() => Ok((
                    Device::Cpu,
                    Some(format!(
                        "device: cpu (building plugins for {} needs nvcc, on PATH or in $CUDA_HOME/bin; see docs/gpu.md)",
                        driver.gpus[0]
                    )),
                )),
                Ok(driver) => Ok((Device::Cuda(driver.gpus[0].index), None)),
            },
        }
    }
}
