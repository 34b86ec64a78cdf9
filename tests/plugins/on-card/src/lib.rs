//! A method in the boundary's own terms that says it reads clips on its card. The card is one of a driver that only pretends:
//! its memory is the host's, and a copy to it is made when somebody waits for the copy's event, no sooner.

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
    Batch, CreateArgs, DType, Device, ErrorCode, FINETUNE, FineTuneArgs, FineTuneV1, Interface, LoadScope, METHOD,
    MethodV1, OwnedTensor, Parameter, PluginError, PluginResult, Root, Root_Ref, Session, StepReport, TensorView,
};

/// One token a clip: the mean of each channel, times a weight that is learned.
struct Means {
    device: Device,
    driver: Option<Library>,
    weights: Vec<f32>,
    /// Of the last clips, and the gradients by the weights.
    means: Vec<f32>,
    gradients: Vec<f32>,
    steps: u8,
}

impl Means {
    /// `(B, C)`, once the clips are where they shall be.
    fn of(&self, clips: &TensorView<'_>) -> Vec<f32> {
        assert_eq!(clips.device, self.device, "clips lie where the method computes");
        match (&self.driver, clips.ready) {
            (None, 0) => {}
            // SAFETY: the driver's function, and an event of the host's.
            (Some(driver), ready) if ready != 0 => unsafe {
                let wait = driver.get::<unsafe extern "C" fn(u64) -> c_int>(b"cuEventSynchronize").expect("there");
                assert_eq!(wait(ready), 0);
            },
            _ => panic!("clips on a card come with an event, and no others do"),
        }
        let len = clips.shape.iter().product::<i64>() as usize;
        // SAFETY: lent for this call, by the host or by a driver whose cards' memory is the host's.
        let values = unsafe { slice::from_raw_parts(clips.data.cast::<f32>(), len) };
        let each = clips.shape[2..].iter().product::<i64>() as usize;
        values.chunks_exact(each).map(|channel| channel.iter().sum::<f32>() / each as f32).collect()
    }

    fn tokens(&self, means: &[f32]) -> OwnedTensor {
        extern "C" fn release(manager: *mut ()) {
            // SAFETY: the box that is leaked below.
            drop(unsafe { Box::from_raw(manager.cast::<Vec<f32>>()) });
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
            ready: 0,
            manager: Box::into_raw(values).cast(),
            release,
        }
    }
}

/// # Safety
/// The handle is one of `create`, and nobody else uses it meanwhile.
unsafe fn session<'a>(session: Session) -> &'a mut Means {
    unsafe { &mut *session.0.cast() }
}

extern "C" fn create(args: &CreateArgs<'_>) -> PluginResult<Session> {
    let driver = (args.device != Device::CPU).then(|| {
        let config: serde_json::Value = serde_json::from_str(args.config.as_str()).expect("JSON");
        // SAFETY: a library of the tests.
        unsafe { Library::new(config["driver"].as_str().expect("a path")) }.expect("loads")
    });
    let weights = vec![1.0 + args.seed as f32 % 8.0; args.systems[0].channels.len()];
    let means = Means { device: args.device, driver, weights, means: vec![], gradients: vec![], steps: 0 };
    ROk(Session(Box::into_raw(Box::new(means)).cast()))
}

extern "C" fn pretrain_step(handle: Session, batch: &Batch<'_>) -> PluginResult<StepReport> {
    // SAFETY: the host keeps to the rules of a session.
    let session = unsafe { session(handle) };
    let means = session.of(&batch.clips);
    let loss = means.iter().map(|mean| f64::from(*mean).powi(2)).sum::<f64>();
    for (weight, mean) in session.weights.iter_mut().zip(means) {
        *weight += 0.1 * mean;
    }
    session.steps += 1;
    ROk(StepReport { loss, learning_rate: 0.1 })
}

extern "C" fn encode(handle: Session, batch: &Batch<'_>) -> PluginResult<OwnedTensor> {
    // SAFETY: as above.
    let session = unsafe { session(handle) };
    session.means = session.of(&batch.clips);
    ROk(session.tokens(&session.means))
}

extern "C" fn save(handle: Session) -> PluginResult<RVec<u8>> {
    // SAFETY: as above.
    ROk(unsafe { session(handle) }.weights.iter().flat_map(|weight| weight.to_le_bytes()).collect())
}

extern "C" fn load(handle: Session, file: RSlice<'_, u8>, _: LoadScope) -> PluginResult<()> {
    // SAFETY: as above.
    let session = unsafe { session(handle) };
    let weights = file.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four")));
    session.weights = weights.collect();
    ROk(())
}

extern "C" fn parameters(handle: Session) -> PluginResult<RVec<Parameter>> {
    // SAFETY: as above.
    let session = unsafe { session(handle) };
    let mut checksum = [session.steps; 32];
    checksum[0] = session.weights[0].to_le_bytes()[3];
    let shape = vec![session.weights.len() as u64].into();
    ROk(vec![Parameter { name: "encoder.weights".into(), shape, encoder: true, checksum }].into())
}

extern "C" fn destroy(handle: Session) {
    // SAFETY: the host destroys a session once, last.
    drop(unsafe { Box::from_raw(handle.0.cast::<Means>()) });
}

extern "C" fn begin(_: Session, _: &FineTuneArgs) -> PluginResult<()> {
    ROk(())
}

extern "C" fn backward(handle: Session, gradient: &TensorView<'_>) -> PluginResult<()> {
    // SAFETY: as above.
    let session = unsafe { session(handle) };
    if gradient.device != Device::CPU {
        let message = "a gradient that is not in the host's memory".into();
        return RErr(PluginError { code: ErrorCode::UNSUPPORTED, message, detail: RString::new() });
    }
    // SAFETY: lent for this call.
    let gradient = unsafe { slice::from_raw_parts(gradient.data.cast::<f32>(), session.means.len()) };
    let dim = session.weights.len();
    session.gradients = vec![0.0; dim];
    for (i, (gradient, mean)) in gradient.iter().zip(&session.means).enumerate() {
        session.gradients[i % dim] += gradient * mean;
    }
    ROk(())
}

extern "C" fn apply(handle: Session, learning_rate: f64) -> PluginResult<()> {
    // SAFETY: as above.
    let session = unsafe { session(handle) };
    for (weight, gradient) in session.weights.iter_mut().zip(&session.gradients) {
        *weight -= learning_rate as f32 * gradient;
    }
    ROk(())
}

static METHOD_TABLE: MethodV1 = MethodV1 { create, pretrain_step, encode, save, load, parameters, destroy };
static FINETUNE_TABLE: FineTuneV1 = FineTuneV1 { begin, encode, backward, apply };

extern "C" fn describe() -> RString {
    r#"{"name": "on-card", "config": {"driver": "the pretended driver's library"}, "reads_on_card": true}"#.into()
}

extern "C" fn interface(name: RStr<'_>, _version: u32) -> ROption<Interface> {
    match name.as_str() {
        METHOD => RSome(Interface { layout: MethodV1::LAYOUT, table: (&raw const METHOD_TABLE).cast() }),
        FINETUNE => RSome(Interface { layout: FineTuneV1::LAYOUT, table: (&raw const FINETUNE_TABLE).cast() }),
        _ => RNone,
    }
}

fn root() -> Root_Ref {
    Root { describe, interface }.leak_into_prefix()
}

extern "C" fn module() -> RootModuleResult {
    __call_root_module_loader(root as fn() -> Root_Ref)
}

#[unsafe(export_name = "physrep_abi_version")]
extern "C" fn version() -> u64 {
    u64::from(physrep_abi::ABI_MAJOR) << 32
}

#[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
static HEADER: LibHeader = unsafe { LibHeader::from_constructor::<Root_Ref>(module, CheckTypeLayout::Yes) };
