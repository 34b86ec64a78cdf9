//! A method written against the ABI alone that accepts clips in device memory. The device belongs to a mock CUDA driver: its
//! memory is host memory, and a copy to it happens when its event is waited for, no sooner.

#![allow(missing_docs)]

use std::{ffi::c_int, slice};

use abi_stable::{
    StableAbi,
    library::{__call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult},
    prefix_type::PrefixTypeTrait,
    std_types::{RErr, RNone, ROk, ROption, RSlice, RSome, RStr, RString, RVec},
};
use libloading::Library;
use physrep_abi::{
    BatchView, CreateArgs, DType, Device, ErrorCode, FINETUNE, FineTuneArgs, FineTuneV1, Interface, LoadScope, METHOD,
    MethodV1, OwnedTensor, Parameter, PluginError, PluginResult, Root, RootRef, SessionHandle, StepReport, TensorView,
};

/// One token per clip: the mean of each channel times a learned weight.
struct Means {
    device: Device,
    driver: Option<Library>,
    weights: Vec<f32>,
    /// Means of the last encoded clips.
    means: Vec<f32>,
    /// Gradients with respect to the weights.
    gradients: Vec<f32>,
    steps: u8,
}

impl Means {
    /// The means of clips, `(B, C)`, computed once their copy has happened.
    fn of(&self, clips: &TensorView<'_>) -> Vec<f32> {
        assert_eq!(clips.device, self.device, "clips are in the memory of the device that the method computes on");
        match (&self.driver, clips.ready_event) {
            (None, 0) => {}
            // SAFETY: the function has this signature in the driver's API, and the host passes a live event.
            (Some(driver), event) if event != 0 => unsafe {
                let wait = driver
                    .get::<unsafe extern "C" fn(u64) -> c_int>(b"cuEventSynchronize")
                    .expect("the mock driver exports it");
                assert_eq!(wait(event), 0);
            },
            _ => panic!("clips in device memory come with an event, and no others do"),
        }
        let len = clips.shape.iter().product::<i64>() as usize;
        // SAFETY: borrowed for this call; the mock driver's device memory is host memory.
        let values = unsafe { slice::from_raw_parts(clips.data.cast::<f32>(), len) };
        let each = clips.shape[2..].iter().product::<i64>() as usize;
        values.chunks_exact(each).map(|channel| channel.iter().sum::<f32>() / each as f32).collect()
    }

    fn tokens(&self, means: &[f32]) -> OwnedTensor {
        extern "C" fn release(owner: *mut ()) {
            // SAFETY: the box that is leaked below; `release` is called once.
            drop(unsafe { Box::from_raw(owner.cast::<Vec<f32>>()) });
        }
        let weights = self.weights.iter().cycle();
        let values = Box::new(means.iter().zip(weights).map(|(mean, weight)| mean * weight).collect::<Vec<_>>());
        let dim = self.weights.len() as i64;
        OwnedTensor {
            data: values.as_ptr().cast(),
            device: Device::CPU,
            dtype: DType::F32,
            shape: vec![values.len() as i64 / dim, 1, dim].into(),
            strides: vec![dim, dim, 1].into(),
            byte_offset: 0,
            ready_event: 0,
            owner: Box::into_raw(values).cast(),
            release,
        }
    }
}

/// # Safety
/// The handle came from [`create`], was not destroyed, and no other reference to its session is alive.
unsafe fn session<'a>(session: SessionHandle) -> &'a mut Means {
    // SAFETY: the caller's contract.
    unsafe { &mut *session.0.cast() }
}

extern "C" fn create(args: &CreateArgs<'_>) -> PluginResult<SessionHandle> {
    let driver = (args.device != Device::CPU).then(|| {
        let config: serde_json::Value = serde_json::from_str(args.config.as_str()).expect("JSON");
        // SAFETY: the mock driver of the tests, whose initialisers do nothing.
        unsafe { Library::new(config["driver"].as_str().expect("a path")) }.expect("loads")
    });
    let weights = vec![1.0 + args.seed as f32 % 8.0; args.systems[0].channels.len()];
    let means = Means { device: args.device, driver, weights, means: vec![], gradients: vec![], steps: 0 };
    ROk(SessionHandle(Box::into_raw(Box::new(means)).cast()))
}

extern "C" fn pretrain_step(handle: SessionHandle, batch: &BatchView<'_>) -> PluginResult<StepReport> {
    // SAFETY: the host follows the ABI's rules for a session.
    let session = unsafe { session(handle) };
    let means = session.of(&batch.clips);
    let loss = means.iter().map(|mean| f64::from(*mean).powi(2)).sum::<f64>();
    for (weight, mean) in session.weights.iter_mut().zip(means) {
        *weight += 0.1 * mean;
    }
    session.steps += 1;
    ROk(StepReport { loss, learning_rate: 0.1 })
}

extern "C" fn encode(handle: SessionHandle, batch: &BatchView<'_>) -> PluginResult<OwnedTensor> {
    // SAFETY: as above.
    let session = unsafe { session(handle) };
    session.means = session.of(&batch.clips);
    ROk(session.tokens(&session.means))
}

extern "C" fn save(handle: SessionHandle) -> PluginResult<RVec<u8>> {
    // SAFETY: as above.
    ROk(unsafe { session(handle) }.weights.iter().flat_map(|weight| weight.to_le_bytes()).collect())
}

extern "C" fn load(handle: SessionHandle, file: RSlice<'_, u8>, _: LoadScope) -> PluginResult<()> {
    // SAFETY: as above.
    let session = unsafe { session(handle) };
    let weights = file.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four")));
    session.weights = weights.collect();
    ROk(())
}

extern "C" fn parameters(handle: SessionHandle) -> PluginResult<RVec<Parameter>> {
    // SAFETY: as above.
    let session = unsafe { session(handle) };
    let mut checksum = [session.steps; 32];
    checksum[0] = session.weights[0].to_le_bytes()[3];
    let shape = vec![session.weights.len() as u64].into();
    ROk(vec![Parameter { name: "encoder.weights".into(), shape, encoder: true, checksum }].into())
}

extern "C" fn destroy(handle: SessionHandle) {
    // SAFETY: `create` leaked this box; the host destroys a session once, last.
    drop(unsafe { Box::from_raw(handle.0.cast::<Means>()) });
}

extern "C" fn begin(_: SessionHandle, _: &FineTuneArgs) -> PluginResult<()> {
    ROk(())
}

extern "C" fn encode_backward(handle: SessionHandle, gradient: &TensorView<'_>) -> PluginResult<()> {
    // SAFETY: as above.
    let session = unsafe { session(handle) };
    if gradient.device != Device::CPU {
        let message = "a gradient that is not in host memory".into();
        return RErr(PluginError { code: ErrorCode::UNSUPPORTED, message, detail: RString::new() });
    }
    // SAFETY: borrowed for this call, with one value per token element.
    let gradient = unsafe { slice::from_raw_parts(gradient.data.cast::<f32>(), session.means.len()) };
    let dim = session.weights.len();
    session.gradients = vec![0.0; dim];
    for (i, (gradient, mean)) in gradient.iter().zip(&session.means).enumerate() {
        session.gradients[i % dim] += gradient * mean;
    }
    ROk(())
}

extern "C" fn apply_gradients(handle: SessionHandle, learning_rate: f64) -> PluginResult<()> {
    // SAFETY: as above.
    let session = unsafe { session(handle) };
    for (weight, gradient) in session.weights.iter_mut().zip(&session.gradients) {
        *weight -= learning_rate as f32 * gradient;
    }
    ROk(())
}

static METHOD_TABLE: MethodV1 = MethodV1 { create, pretrain_step, encode, save, load, parameters, destroy };
static FINETUNE_TABLE: FineTuneV1 = FineTuneV1 { begin, encode_forward: encode, encode_backward, apply_gradients };

extern "C" fn describe() -> RString {
    r#"{"name": "device-memory", "default_config": {"driver": "path of the mock driver"}, "accepts_device_memory": true}"#.into()
}

extern "C" fn interface(name: RStr<'_>, _version: u32) -> ROption<Interface> {
    match name.as_str() {
        METHOD => RSome(Interface { layout: MethodV1::LAYOUT, table: (&raw const METHOD_TABLE).cast() }),
        FINETUNE => RSome(Interface { layout: FineTuneV1::LAYOUT, table: (&raw const FINETUNE_TABLE).cast() }),
        _ => RNone,
    }
}

fn root() -> RootRef {
    Root { describe, interface }.leak_into_prefix()
}

extern "C" fn module() -> RootModuleResult {
    __call_root_module_loader(root as fn() -> RootRef)
}

#[unsafe(export_name = "physrep_abi_version")]
extern "C" fn version() -> u64 {
    u64::from(physrep_abi::ABI_MAJOR) << 32
}

#[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
// SAFETY: `module` returns the root module of the type that the header names.
static HEADER: LibHeader = unsafe { LibHeader::from_constructor::<RootRef>(module, CheckTypeLayout::Yes) };
