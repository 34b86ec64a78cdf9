//! Where methods compute: the CPU, or an NVIDIA card that the driver tells of.

mod context;
mod driver;
pub mod pool;
pub mod staging;

use std::{
    env,
    ffi::{CStr, c_char},
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Where a method computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// The NVIDIA card of this number.
    Cuda(u32),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

/// What `--device` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The first card if there is one that can be used, else the CPU.
    Auto,
    /// This one or none.
    This(Device),
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::This(Device::Cpu)),
            "cuda" => Ok(Self::This(Device::Cuda(0))),
            _ => match text.strip_prefix("cuda:").map(str::parse) {
                Some(Ok(index)) => Ok(Self::This(Device::Cuda(index))),
                _ => Err("expected auto, cpu or cuda:N".into()),
            },
        }
    }
}

impl Choice {
    /// The device, and for `auto` without a card a line that says why it is the CPU.
    ///
    /// # Errors
    /// If a card was asked for that is not there.
    pub fn resolve(self) -> Result<(Device, Option<String>)> {
        match self {
            Self::This(Device::Cpu) => Ok((Device::Cpu, None)),
            Self::This(Device::Cuda(index)) => {
                let refuse = |why: String| Error::Usage(format!("--device cuda:{index}: {why}"));
                let driver = Driver::load().map_err(refuse)?;
                if driver.cards.iter().any(|card| card.index == index) {
                    return Ok((Device::Cuda(index), None));
                }
                let cards: Vec<String> = driver.cards.iter().map(Card::to_string).collect();
                Err(refuse(format!("there is no such card; the driver tells of: {}", cards.join("; "))))
            }
            Self::Auto => match Driver::load() {
                Err(why) => Ok((Device::Cpu, Some(format!("device: cpu ({why})")))),
                Ok(driver) if compiler().is_none() => Ok((
                    Device::Cpu,
                    Some(format!(
                        "device: cpu (building plugins for {} needs nvcc, on PATH or in $CUDA_HOME/bin; see docs/gpu.md)",
                        driver.cards[0]
                    )),
                )),
                Ok(driver) => Ok((Device::Cuda(driver.cards[0].index), None)),
            },
        }
    }

    /// The device; where [`resolve`](Self::resolve) has a line to say, it goes to standard error.
    ///
    /// # Errors
    /// As those of [`resolve`](Self::resolve).
    pub fn resolve_aloud(self) -> Result<Device> {
        let (device, note) = self.resolve()?;
        if let Some(note) = note {
            eprintln!("{note}");
        }
        Ok(device)
    }
}

/// An NVIDIA card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its number.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its memory, in MiB.
    pub memory_mib: u64,
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cuda:{} {} ({} MiB)", self.index, self.name, self.memory_mib)
    }
}

/// What the CUDA driver tells.
#[derive(Clone, Debug)]
pub struct Driver {
    /// The newest CUDA version that it runs, major and minor.
    pub cuda: (u32, u32),
    /// At least one card.
    pub cards: Vec<Card>,
}

impl Driver {
    /// Asks the driver; the error says in a few words why there is none to ask.
    pub fn load() -> std::result::Result<Self, String> {
        let driver = driver::load()?;
        let (mut cuda, mut cards) = (0, 0);
        // SAFETY: every place that the driver writes to is of the type that it writes, and lives.
        unsafe {
            driver.init(0)?;
            driver.version(&mut cuda)?;
            driver.device_count(&mut cards)?;
        }
        let mut all = Vec::new();
        for index in 0..cards {
            let (mut card, mut text, mut bytes) = (0, [0 as c_char; 256], 0);
            // SAFETY: as above; the text is one shorter than its place, so that it ends.
            let name = unsafe {
                driver.device(&mut card, index)?;
                driver.device_name(text.as_mut_ptr(), 255, card)?;
                driver.device_memory(&mut bytes, card)?;
                CStr::from_ptr(text.as_ptr())
            };
            let name = name.to_string_lossy().into_owned();
            all.push(Card { index: index as u32, name, memory_mib: bytes as u64 >> 20 });
        }
        if all.is_empty() {
            return Err("the CUDA driver finds no card".into());
        }
        Ok(Self { cuda: (cuda as u32 / 1000, cuda as u32 % 1000 / 10), cards: all })
    }
}

/// The compiler of CUDA C++ that builds of plugins would use.
pub fn compiler() -> Option<PathBuf> {
    let on_path = env::var_os("PATH").into_iter().flat_map(|path| env::split_paths(&path).collect::<Vec<_>>());
    let homes = ["CUDA_HOME", "CUDA_PATH"].into_iter().filter_map(env::var_os).map(|home| Path::new(&home).join("bin"));
    on_path
        .chain(homes)
        .chain([PathBuf::from("/usr/local/cuda/bin")])
        .map(|folder| folder.join("nvcc"))
        .chain(env::var_os("NVCC").map(PathBuf::from))
        .find(|nvcc| nvcc.is_file())
}

/// What results say of the device: `cpu`, or the card with its name and memory and the driver's version.
pub fn describe(device: Device) -> String {
    let Device::Cuda(index) = device else { return device.to_string() };
    match Driver::load() {
        Ok(driver) => {
            let card = driver.cards.iter().find(|card| card.index == index).map_or(device.to_string(), Card::to_string);
            format!("{card}, driver of CUDA {}.{}", driver.cuda.0, driver.cuda.1)
        }
        Err(_) => device.to_string(),
    }
}
