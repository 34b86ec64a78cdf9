//! The GPUs of this machine, as the CUDA driver lists them.

use std::{
    env,
    ffi::{CStr, c_char},
    fmt,
    path::{Path, PathBuf},
};

use physrep_records::Device;

use super::driver;

/// An NVIDIA GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// Its index.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its memory, in MiB.
    pub memory_mib: u64,
}

impl fmt::Display for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cuda:{} {} ({} MiB)", self.index, self.name, self.memory_mib)
    }
}

/// The CUDA driver of this machine.
#[derive(Clone, Debug)]
pub struct CudaDriver {
    /// The newest CUDA version that it runs, major and minor.
    pub cuda: (u32, u32),
    /// The GPUs, at least one.
    pub gpus: Vec<Gpu>,
}

impl CudaDriver {
    /// Loads the driver and lists its GPUs.
    ///
    /// # Errors
    ///
    /// The reason why there is no driver or no GPU.
    pub fn load() -> std::result::Result<Self, String> {
        let driver = driver::load()?;
        let (mut cuda, mut count) = (0, 0);
        // SAFETY: every pointer is valid for writes of the type that the driver writes.
        unsafe {
            driver.init(0)?;
            driver.version(&mut cuda)?;
            driver.device_count(&mut count)?;
        }
        let mut all = Vec::new();
        for index in 0..count {
            let (mut device, mut text, mut bytes) = (0, [0 as c_char; 256], 0);
            // SAFETY: every pointer is valid for writes, and the zeroed buffer is one byte longer than the name, so the name is
            // terminated.
            let name = unsafe {
                driver.device(&mut device, index)?;
                driver.device_name(text.as_mut_ptr(), 255, device)?;
                driver.device_memory(&mut bytes, device)?;
                CStr::from_ptr(text.as_ptr())
            };
            let name = name.to_string_lossy().into_owned();
            all.push(Gpu { index: index as u32, name, memory_mib: bytes as u64 >> 20 });
        }
        if all.is_empty() {
            return Err("the CUDA driver finds no GPU".into());
        }
        Ok(Self { cuda: (cuda as u32 / 1000, cuda as u32 % 1000 / 10), gpus: all })
    }
}

/// The environment variable that names the GPUs that a process sees, in the order of their indices. Schedulers set it.
pub const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";

/// The names of the first `count` GPUs that this process sees, for the same variable of a process that shall see one of them.
pub(super) fn visible_gpus(count: usize) -> Vec<String> {
    match env::var(VISIBLE) {
        Ok(names) => names.split(',').map(|name| name.trim().to_owned()).take(count).collect(),
        Err(_) => (0..count).map(|index| index.to_string()).collect(),
    }
}

/// The CUDA compiler that plugin builds use, if there is one.
pub fn cuda_compiler() -> Option<PathBuf> {
    let on_path = env::var_os("PATH").into_iter().flat_map(|path| env::split_paths(&path).collect::<Vec<_>>());
    let homes = ["CUDA_HOME", "CUDA_PATH"].into_iter().filter_map(env::var_os).map(|home| Path::new(&home).join("bin"));
    on_path
        .chain(homes)
        .chain([PathBuf::from("/usr/local/cuda/bin")])
        .map(|folder| folder.join("nvcc"))
        .chain(env::var_os("NVCC").map(PathBuf::from))
        .find(|nvcc| nvcc.is_file())
}

/// The device as in records: `cpu`, or the GPU with its name, its memory and the driver's version.
pub fn describe(device: Device) -> String {
    let Device::Cuda(index) = device else { return device.to_string() };
    match CudaDriver::load() {
        Ok(driver) => {
            let gpu = driver.gpus.iter().find(|gpu| gpu.index == index).map_or(device.to_string(), Gpu::to_string);
            format!("{gpu}, driver of CUDA {}.{}", driver.cuda.0, driver.cuda.1)
        }
        Err(_) => device.to_string(),
    }
}
