//! Runs plans with their kernels on a machine without a GPU, for tests: a C++ compiler builds the kernels' own sources
//! into a library in which the threads of a block take turns (`emulation/`).
//!
//! It detects reads and writes outside of buffers, uses of uninitialised scratch memory, and barriers that not all
//! threads reach. It does not detect races between threads that run concurrently on a GPU.

mod buffer;
pub(super) mod library;
pub(super) mod ptx;

use std::ffi::{CString, c_char, c_int, c_void};

use candle_core::{DType, Device, Result, Shape, Tensor};

use super::plan::{Argument, Kind, Plan};
use buffer::Buffer;

/// Whether plans can be emulated on this machine; if not, prints SKIPPED and the reason.
pub(super) fn possible() -> bool {
    let why = library::kernels().lock().unwrap().as_ref().err().cloned();
    why.inspect(|why| println!("SKIPPED: {why}")).is_none()
}

/// The outputs of a plan for tensors on the CPU, in f32 or with bf16 activations. For machines where this is
/// [`possible`].
pub(super) fn run(plan: &Plan, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    let kinds = plan.inputs.iter().zip(inputs);
    let half = kinds.clone().any(|(kind, input)| *kind == Kind::Element && input.dtype() == DType::BF16);
    for (kind, input) in kinds {
        assert_eq!(input.dtype() == DType::BF16, half && *kind == Kind::Element, "{}: {plan:?}", plan.op);
    }
    let [outputs, _] = emulate(plan, half, inputs).expect("possible");
    let outputs = outputs.into_iter().zip(&plan.outputs).map(|(output, (kind, shape))| {
        let dtype = if half && *kind == Kind::Element { DType::BF16 } else { DType::F32 };
        Tensor::from_vec(output, shape, &Device::Cpu)?.to_dtype(dtype)
    });
    outputs.collect()
}

/// The outputs of a plan, and its inputs afterwards; `None`, after printing SKIPPED, if plans cannot be emulated.
pub(super) fn emulate(plan: &Plan, half: bool, inputs: &[&Tensor]) -> Option<[Vec<Vec<f32>>; 2]> {
    type Emulate = unsafe extern "C" fn(*const c_char, *const u32, *const u32, *mut *mut c_void) -> c_int;
    let kernels = library::kernels().lock().unwrap();
    let [f32s, halves] = match &*kernels {
        Ok(kernels) => kernels,
        Err(why) => {
            println!("SKIPPED: {why}");
            return None;
        }
    };
    // SAFETY: `emulate` has this signature in emulation/run.cpp.
    let emulate = unsafe { if half { halves } else { f32s }.get::<Emulate>(b"emulate") }.unwrap();
    let is_half = |kind: Kind| half && kind == Kind::Element;
    assert_eq!(plan.inputs.len(), inputs.len());
    let mut buffers: Vec<Buffer> =
        plan.inputs.iter().zip(inputs).map(|(kind, input)| Buffer::new(&floats(input), is_half(*kind))).collect();
    let empty = |(kind, shape): &(Kind, Shape)| Buffer::new(&vec![f32::NAN; shape.elem_count()], is_half(*kind));
    let mut outputs: Vec<Buffer> = plan.outputs.iter().map(empty).collect();
    let mut scratch = Buffer::new(&vec![f32::NAN; plan.scratch], false);
    for launch in &plan.launches {
        let mut arguments: Vec<Vec<u8>> = Vec::new();
        for argument in &launch.arguments {
            let pointer = |at: *mut c_void| (at as usize).to_ne_bytes().to_vec();
            arguments.push(match argument {
                Argument::Input(index) => pointer(buffers[*index].at(0)),
                Argument::Output(index, offset) => pointer(outputs[*index].at(*offset)),
                Argument::Null => pointer(std::ptr::null_mut()),
                Argument::Scratch(offset) => pointer(scratch.at(*offset)),
                Argument::Size(size) => size.to_ne_bytes().to_vec(),
                Argument::Sizes(sizes) => sizes.iter().flat_map(|size| size.to_ne_bytes()).collect(),
                Argument::Scalar(value) => value.to_ne_bytes().to_vec(),
            });
        }
        let sizes: Vec<usize> = arguments.iter().map(Vec::len).collect();
        assert_eq!(ptx::parameters(ptx::COMMITTED[usize::from(half)], launch.kernel), sizes, "{}", launch.kernel);
        let mut pointers: Vec<*mut c_void> = arguments.iter_mut().map(|bytes| bytes.as_mut_ptr().cast()).collect();
        let name = CString::new(launch.kernel).unwrap();
        // SAFETY: the pointers are to as many arguments, of the sizes that the kernel declares: the line above compares
        // them with its PTX.
        let code =
            unsafe { emulate(name.as_ptr(), launch.grid.as_ptr(), launch.block.as_ptr(), pointers.as_mut_ptr()) };
        assert_eq!(code, 0, "{}: threads wait at different barriers", launch.kernel);
    }
    scratch.values();
    Some([&outputs, &buffers].map(|all| all.iter().map(Buffer::values).collect()))
}

/// The elements of a tensor, as f32.
pub(super) fn floats(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_dtype(DType::F32).unwrap().to_vec1().unwrap()
}
