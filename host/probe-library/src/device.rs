//! The device that a request names.

use candle_core::Device;

/// Opens a GPU, on the calling thread's own stream, or the CPU.
///
/// # Errors
/// If this build or this machine cannot compute there.
pub(crate) fn open(gpu: Option<u32>) -> Result<Device, String> {
    gpu.map_or(Ok(Device::Cpu), open_gpu)
}

#[cfg(feature = "cuda")]
fn open_gpu(index: u32) -> Result<Device, String> {
    let refuse = |e: candle_core::Error| format!("GPU {index} cannot be used: {e}");
    let device = Device::new_cuda(index as usize).map_err(refuse)?;
    // SAFETY: tensors on this device live during one call, on one thread, and are used on that thread's stream alone.
    unsafe { device.as_cuda_device().map_err(refuse)?.disable_event_tracking() };
    Ok(device)
}

#[cfg(not(feature = "cuda"))]
fn open_gpu(index: u32) -> Result<Device, String> {
    Err(format!("this build is for the CPU alone, without the feature `cuda`; it cannot compute on GPU {index}"))
}
