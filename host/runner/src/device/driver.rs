//! The functions of the CUDA driver that this program calls. They are loaded at run time, so that it starts on every machine.

use std::{
    env,
    ffi::{CStr, c_char, c_int, c_uint, c_void},
    path::PathBuf,
};

use libloading::Library;

/// The environment variable that names the driver's library, and the default.
const LIBRARY: (&str, &str) = ("PHYSREP_CUDA_DRIVER", "libcuda.so.1");

/// A handle of the driver: a context, a stream, an event or a memory pool.
pub(super) type Handle = *mut c_void;

/// The driver's functions, by its names and signatures; their methods turn the returned code into a result.
macro_rules! functions {
    ($(fn $function:ident = $symbol:literal($($argument:ident: $kind:ty),*);)*) => {
        /// The driver, loaded.
        #[derive(Debug)]
        pub(super) struct Functions {
            $($function: unsafe extern "C" fn($($kind),*) -> c_int,)*
            /// Keeps the functions loaded.
            _library: Library,
        }

        impl Functions {
            /// The functions of `library`, the CUDA driver or a mock of it.
            pub(super) fn of(library: Library) -> Result<Self, String> {
                Ok(Self {
                    // SAFETY: the signatures are those of the CUDA driver's interface.
                    $($function: *unsafe { library.get($symbol.to_bytes()) }.map_err(|_| missing($symbol))?,)*
                    _library: library,
                })
            }

            $(
                /// # Safety
                /// The requirements of the driver's function.
                pub(super) unsafe fn $function(&self, $($argument: $kind),*) -> Result<(), String> {
                    // SAFETY: the caller meets the requirements of the driver's function.
                    check($symbol, unsafe { (self.$function)($($argument),*) })
                }
            )*
        }
    };
}

functions! {
    fn init = c"cuInit"(flags: c_uint);
    fn version = c"cuDriverGetVersion"(version: *mut c_int);
    fn device_count = c"cuDeviceGetCount"(count: *mut c_int);
    fn device = c"cuDeviceGet"(device: *mut c_int, index: c_int);
    fn device_name = c"cuDeviceGetName"(name: *mut c_char, len: c_int, device: c_int);
    fn device_memory = c"cuDeviceTotalMem_v2"(bytes: *mut usize, device: c_int);

    fn retain_context = c"cuDevicePrimaryCtxRetain"(context: *mut Handle, device: c_int);
    fn set_context = c"cuCtxSetCurrent"(context: Handle);
    fn synchronise_context = c"cuCtxSynchronize"();

    fn allocate_host = c"cuMemHostAlloc"(memory: *mut *mut c_void, bytes: usize, flags: c_uint);
    fn free_host = c"cuMemFreeHost"(memory: *mut c_void);
    fn allocate = c"cuMemAllocAsync"(memory: *mut u64, bytes: usize, stream: Handle);
    fn free = c"cuMemFreeAsync"(memory: u64, stream: Handle);

    fn create_stream = c"cuStreamCreate"(stream: *mut Handle, flags: c_uint);
    fn destroy_stream = c"cuStreamDestroy_v2"(stream: Handle);
    fn copy_to_device = c"cuMemcpyHtoDAsync_v2"(to: u64, from: *const c_void, bytes: usize, stream: Handle);
    fn create_event = c"cuEventCreate"(event: *mut Handle, flags: c_uint);
    fn record_event = c"cuEventRecord"(event: Handle, stream: Handle);
    fn wait_for_event = c"cuEventSynchronize"(event: Handle);
    fn destroy_event = c"cuEventDestroy_v2"(event: Handle);

    fn default_pool = c"cuDeviceGetDefaultMemPool"(pool: *mut Handle, device: c_int);
    fn set_pool_attribute = c"cuMemPoolSetAttribute"(pool: Handle, attribute: c_int, value: *mut c_void);
    fn pool_attribute = c"cuMemPoolGetAttribute"(pool: Handle, attribute: c_int, value: *mut c_void);
}

/// Loads the driver of this machine; the error says why there is none.
pub(super) fn load() -> Result<Functions, String> {
    let path = env::var_os(LIBRARY.0).map_or_else(|| PathBuf::from(LIBRARY.1), PathBuf::from);
    // SAFETY: the initialisers of the CUDA driver have no preconditions.
    let library = unsafe { Library::new(&path) };
    Functions::of(library.map_err(|_| format!("no CUDA driver: {} does not load", path.display()))?)
}

fn missing(symbol: &CStr) -> String {
    format!("the CUDA driver has no {}: it is older than CUDA 11.2", symbol.to_string_lossy())
}

/// Turns the code that a driver function returned into a result.
fn check(symbol: &CStr, code: c_int) -> Result<(), String> {
    match code {
        0 => Ok(()),
        100 => Err("the CUDA driver finds no GPU".to_string()),
        other => Err(format!("the CUDA driver's {} failed with code {other}", symbol.to_string_lossy())),
    }
}
