//! Tests plans together with their kernels, on a machine without a GPU: a C++ compiler builds the kernels' own sources
//! into a library in which the threads of a block take turns (emulation/), and the plans run there. Reads and writes
//! outside of buffers, scratch memory read before it is written, and barriers that not all threads reach, are found.
//! What is not: races between threads that a GPU runs truly at once.

use std::ffi::{CString, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use candle_core::{DType, Device, Result, Shape, Tensor, Var};
use half::bf16;
use libloading::Library;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use sha2::{Digest, Sha256};

use super::{Argument, Kind, Plan, depthwise, direct::Direct, instance, norm, optim, patches, pointwise, sums, swap};
use crate::conv::{Axis, kernel::Convolution, patches::Window};
use crate::depthwise::kernel::Geometry;
use crate::instance_norm::{Scheme, instance_norm, rms_instance_norm};
use crate::{Rng, add_bias, conv, depthwise_conv, gelu, layer_norm};

const OP: &str = "test";
/// What GPUs run: for f32 and for bf16.
const PTX: [&str; 2] = [include_str!("kernels/ptx/kernels.f32.ptx"), include_str!("kernels/ptx/kernels.bf16.ptx")];
/// Numbers on either side of a buffer that no kernel may touch.
const MARGIN: usize = 128;

/// The kernels for f32 and for bf16, or why there are none.
fn kernels() -> &'static Mutex<std::result::Result<[Library; 2], String>> {
    static KERNELS: OnceLock<Mutex<std::result::Result<[Library; 2], String>>> = OnceLock::new();
    KERNELS.get_or_init(|| Mutex::new(build()))
}

fn build() -> std::result::Result<[Library; 2], String> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let mut includes = String::new();
    let mut calls = String::new();
    for file in sources(&["cu"]) {
        includes += &format!("#include {:?}\n", file.file_name().unwrap());
        for name in kernels_in(&std::fs::read_to_string(&file).unwrap()) {
            calls += &format!("    if (!strcmp(name, \"{name}\")) return call({name}, arguments);\n");
        }
    }
    std::fs::write(folder.path().join("kernels.cu"), includes).unwrap();
    let main = folder.path().join("kernels.cpp");
    let text = format!(
        "#include \"run.cpp\"\nstatic void call_kernel(const char *name, void **arguments) {{\n{calls}    abort();\n}}\n"
    );
    std::fs::write(&main, text).unwrap();
    let compiler = std::env::var("CXX").unwrap_or("c++".to_string());
    let library = |name: &str, flags: &[&str]| {
        let library = folder.path().join(name);
        let output = Command::new(&compiler)
            .args(["-std=c++17", "-O1", "-w", "-shared", "-fPIC", "-ffp-contract=off"])
            .args(["-fsanitize=bounds", "-fsanitize-undefined-trap-on-error"])
            .args(flags)
            .arg("-I")
            .arg(folder.path())
            .arg("-I")
            .arg(folder_of_sources().join("../emulation"))
            .arg("-I")
            .arg(folder_of_sources())
            .args([main.as_os_str(), "-o".as_ref(), library.as_os_str()])
            .output()
            .map_err(|e| format!("no C++ compiler {compiler}: {e}"))?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // SAFETY: the library has no initialisers beyond those of its vectors.
        Ok::<_, String>(unsafe { Library::new(&library) }.unwrap())
    };
    Ok([library("f32.so", &[])?, library("bf16.so", &["-DBF16"])?])
}

fn folder_of_sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cuda/kernels")
}

/// The source files with one of these extensions, sorted by name.
fn sources(extensions: &[&str]) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder_of_sources()).unwrap().map(|entry| entry.unwrap().path());
    let has_extension = |path: &PathBuf| path.extension().is_some_and(|end| extensions.iter().any(|e| end == *e));
    let mut files: Vec<PathBuf> = files.filter(has_extension).collect();
    files.sort();
    files
}

/// The names of the kernels that a source file defines.
fn kernels_in(source: &str) -> Vec<String> {
    let name = |definition: &str| {
        let signature = match definition.trim_start().strip_prefix("__launch_bounds__") {
            Some(rest) => rest.split_once(')').unwrap().1,
            None => definition,
        };
        signature.split_once('(').unwrap().0.trim().to_string()
    };
    source.split("extern \"C\" __global__ void ").skip(1).map(name).collect()
}

/// The parameters that the committed PTX declares for a kernel, in bytes.
fn declared(ptx: &str, kernel: &str) -> Vec<usize> {
    let Some((_, rest)) = ptx.split_once(&format!(".entry {kernel}(\n")) else {
        panic!("{kernel} is not in the committed PTX: run tools/ptx")
    };
    let list = rest.split(')').next().unwrap();
    let bytes = |line: &str| match line {
        _ if line.contains(".u64") => 8,
        _ if line.contains(".u32") || line.contains(".f32") => 4,
        _ => line.split(['[', ']']).nth(1).and_then(|bytes| bytes.parse().ok()).unwrap(),
    };
    list.lines().filter(|line| line.contains(".param")).map(bytes).collect()
}

#[test]
fn the_committed_ptx_was_made_from_these_sources() {
    let mut hash = Sha256::new();
    for file in sources(&["cu", "cuh"]) {
        hash.update(std::fs::read(file).unwrap());
    }
    let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    for ptx in PTX {
        assert_eq!(ptx.lines().next().unwrap(), format!("// sources: {hash}"), "run tools/ptx");
    }
}

/// Numbers as a kernel sees them, between margins of NaN.
enum Buffer {
    F32(Vec<f32>),
    Bf16(Vec<bf16>),
}

impl Buffer {
    fn new(values: &[f32], half: bool) -> Self {
        let margin = [f32::NAN; MARGIN];
        let all = [&margin, values, &margin].concat();
        if half { Self::Bf16(all.into_iter().map(bf16::from_f32).collect()) } else { Self::F32(all) }
    }

    fn at(&mut self, offset: usize) -> *mut c_void {
        match self {
            Self::F32(all) => all[MARGIN + offset..].as_mut_ptr().cast(),
            Self::Bf16(all) => all[MARGIN + offset..].as_mut_ptr().cast(),
        }
    }

    /// The numbers, if the margins are still as they were.
    fn values(&self) -> Vec<f32> {
        let all: Vec<f32> = match self {
            Self::F32(all) => all.clone(),
            Self::Bf16(all) => all.iter().map(|value| value.to_f32()).collect(),
        };
        let (before, rest) = all.split_at(MARGIN);
        let (values, after) = rest.split_at(rest.len() - MARGIN);
        assert!(before.iter().chain(after).all(|value| value.is_nan()), "a kernel wrote outside its buffer");
        values.to_vec()
    }
}

/// Whether plans can be emulated here; if not, this says so aloud.
pub(crate) fn possible() -> bool {
    let why = kernels().lock().unwrap().as_ref().err().cloned();
    why.inspect(|why| println!("SKIPPED: {why}")).is_none()
}

/// A plan carried out on tensors of the CPU, in f32 or with bf16 activations, where that is [`possible`].
pub(crate) fn on(plan: &Plan, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
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

/// The outputs of a plan, and its inputs afterwards; `None`, said aloud, where nothing can be emulated.
fn emulate(plan: &Plan, half: bool, inputs: &[&Tensor]) -> Option<[Vec<Vec<f32>>; 2]> {
    type Emulate = unsafe extern "C" fn(*const c_char, *const u32, *const u32, *mut *mut c_void) -> c_int;
    let kernels = kernels().lock().unwrap();
    let [f32s, halves] = match &*kernels {
        Ok(kernels) => kernels,
        Err(why) => {
            println!("SKIPPED: {why}");
            return None;
        }
    };
    // SAFETY: emulation/run.cpp defines it so.
    let run = unsafe { if half { halves } else { f32s }.get::<Emulate>(b"emulate") }.unwrap();
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
                Argument::Input(number) => pointer(buffers[*number].at(0)),
                Argument::Output(number, offset) => pointer(outputs[*number].at(*offset)),
                Argument::Null => pointer(std::ptr::null_mut()),
                Argument::Scratch(offset) => pointer(scratch.at(*offset)),
                Argument::Size(size) => size.to_ne_bytes().to_vec(),
                Argument::Sizes(sizes) => sizes.iter().flat_map(|size| size.to_ne_bytes()).collect(),
                Argument::Number(number) => number.to_ne_bytes().to_vec(),
            });
        }
        let sizes: Vec<usize> = arguments.iter().map(Vec::len).collect();
        assert_eq!(declared(PTX[usize::from(half)], launch.kernel), sizes, "{}", launch.kernel);
        let mut pointers: Vec<*mut c_void> = arguments.iter_mut().map(|bytes| bytes.as_mut_ptr().cast()).collect();
        let name = CString::new(launch.kernel).unwrap();
        // SAFETY: as many arguments as the kernel declares, or the test is about to find out.
        let code = unsafe { run(name.as_ptr(), launch.grid.as_ptr(), launch.block.as_ptr(), pointers.as_mut_ptr()) };
        assert_eq!(code, 0, "{}: threads wait at different barriers", launch.kernel);
    }
    scratch.values();
    Some([&outputs, &buffers].map(|all| all.iter().map(Buffer::values).collect()))
}

fn floats(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_dtype(DType::F32).unwrap().to_vec1().unwrap()
}

/// Normal numbers that f32, and bf16 too if `half`, hold exactly, in f64.
fn normal(dims: &[usize], half: bool, seed: u64) -> Var {
    let exact = Rng::new(seed, "emulation", 0).normal(dims, DType::F32, &Device::Cpu).unwrap();
    let values = floats(&exact).into_iter().map(|v| if half { bf16::from_f32(v).to_f32() } else { v } as f64);
    Var::from_tensor(&Tensor::from_vec(values.collect::<Vec<f64>>(), dims, &Device::Cpu).unwrap()).unwrap()
}

/// A plan's output against what it should be, relative to the largest of its numbers.
fn assert_emulated(plan: Result<Plan>, half: bool, inputs: &[&Tensor], expected: &[&Tensor], what: &str) {
    let Some([got, _]) = emulate(&plan.unwrap(), half, inputs) else { return };
    let got = got.concat();
    let expected: Vec<f32> = expected.iter().flat_map(|tensor| floats(tensor)).collect();
    compare(&got, &expected, half, what);
}

fn compare(got: &[f32], expected: &[f32], half: bool, what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1e-3f32, |largest, value| largest.max(value.abs()));
    let tolerance = if half { 2e-2 } else { 1e-5 };
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        let error = (got - expected).abs() / scale;
        assert!(error <= tolerance, "{what}, half: {half}, element {i}: {got}, expected {expected}");
    }
}

/// An operation that consists of plans, on a GPU in f32 and in bf16, against the CPU's in f64: its output and the gradients of
/// all arguments, of which the first is an activation and the others are parameters.
pub(crate) fn composite_agrees<const N: usize>(
    what: &str,
    shapes: [&[usize]; N],
    on_cpu: impl Fn([&Tensor; N]) -> Result<Tensor>,
    on_card: impl Fn([&Tensor; N]) -> Result<Tensor>,
) -> Result<()> {
    if !possible() {
        return Ok(());
    }
    // What bf16 holds exactly is rounded by nobody's fault.
    let mut seed = 0;
    let exact = shapes.map(|shape| {
        seed += 1;
        normal(shape, true, seed)
    });
    let run = |vars: [&Var; N], operation: &dyn Fn([&Tensor; N]) -> Result<Tensor>| -> Result<Vec<Vec<f32>>> {
        let y = operation(vars.map(|var| var.as_tensor()))?;
        let dy = normal(y.dims(), true, 99).to_dtype(y.dtype())?;
        let all = [vec![y.clone()], gradients(&y, &dy, vars).to_vec()].concat();
        Ok(all.iter().map(floats).collect())
    };
    let expected = run(exact.each_ref(), &on_cpu)?;
    for half in [false, true] {
        let mut activation = true;
        let vars = exact.each_ref().map(|var| {
            let dtype = if half && std::mem::take(&mut activation) { DType::BF16 } else { DType::F32 };
            Var::from_tensor(&var.to_dtype(dtype).unwrap()).unwrap()
        });
        for (i, (got, expected)) in run(vars.each_ref(), &on_card)?.iter().zip(&expected).enumerate() {
            compare(got, expected, half, &format!("{what}: output or gradient {i}"));
        }
    }
    Ok(())
}

/// Gradients of `y`, projected on `dy`, with respect to the variables.
fn gradients<const N: usize>(y: &Tensor, dy: &Tensor, vars: [&Var; N]) -> [Tensor; N] {
    let gradients = (y * dy).unwrap().sum_all().unwrap().backward().unwrap();
    vars.map(|var| gradients.get(var).unwrap().clone())
}

fn depthwise_agrees(dims: [usize; 5], kernel: [usize; 3], half: bool) {
    let what = format!("{dims:?} with {kernel:?}");
    let channels = dims[4];
    let x = normal(&dims, half, 1);
    let weight = normal(&[&[channels, 1], &kernel[..]].concat(), false, 2);
    let bias = normal(&[channels], false, 3);
    let dy = normal(&dims, half, 4);
    let geometry = Geometry::new(x.dims(), weight.dims(), bias.dims()).unwrap();
    let y = depthwise_conv(&x, &weight, &bias).unwrap();
    let [dx, dweight, dbias] = gradients(&y, &dy, [&x, &weight, &bias]);
    assert_emulated(depthwise::forward(OP, &geometry), half, &[&x, &weight, &bias], &[&y], &what);
    assert_emulated(depthwise::backward(OP, &geometry), half, &[&dy, &weight], &[&dx], &what);
    let past = (dx.as_ref() + x.as_tensor()).unwrap();
    assert_emulated(depthwise::backward_and_past(OP, &geometry), half, &[&dy, &weight, &x], &[&past], &what);
    assert_emulated(depthwise::parameters(OP, &geometry), half, &[&x, &dy], &[&dweight, &dbias], &what);
}

fn rows_agree(dims: &[usize], half: bool) {
    let what = format!("{dims:?}");
    let channels = dims[dims.len() - 1];
    let [x, z, dy] = [1, 2, 3].map(|seed| normal(dims, half, seed));
    let [weight, bias] = [4, 5].map(|seed| normal(&[channels], false, seed));
    let both = |a: &Tensor, b: &Tensor| Tensor::cat(&[a, b], 0).unwrap();

    let y = layer_norm(&x, &weight, &bias, 1e-5).unwrap();
    let [dx, dweight, dbias] = gradients(&y, &dy, [&x, &weight, &bias]);
    assert_emulated(norm::forward(OP, dims, 1e-5), half, &[&x, &weight, &bias], &[&y], &what);
    // A row of one channel is its own mean: nothing but round-off is left of its gradient.
    if channels > 1 {
        assert_emulated(norm::backward(OP, dims, 1e-5), half, &[&x, &weight, &dy], &[&dx, &dweight, &dbias], &what);
    }

    let y = gelu(&x).unwrap();
    let [dx] = gradients(&y, &dy, [&x]);
    assert_emulated(pointwise::gelu(OP, dims), half, &[&x], &[&y], &what);
    assert_emulated(pointwise::gelu_backward(OP, dims), half, &[&x, &dy], &[&dx], &what);

    let y = add_bias(&x, &bias).unwrap();
    let [dbias] = gradients(&y, &dy, [&bias]);
    assert_emulated(pointwise::bias(OP, dims), half, &[&x, &bias], &[&y], &what);
    assert_emulated(sums::columns(OP, dims), half, &[&dy], &[&dbias], &what);

    let y = gelu(&y).unwrap();
    let [dx] = gradients(&y, &dy, [&x]);
    assert_emulated(pointwise::bias_gelu(OP, dims), half, &[&x, &bias], &[&y], &what);
    assert_emulated(pointwise::bias_gelu_backward(OP, dims), half, &[&x, &bias, &dy], &[&dx], &what);

    let y = (x.as_tensor() + add_bias(&z, &bias).unwrap().broadcast_mul(&weight).unwrap()).unwrap();
    let [dz] = gradients(&y, &dy, [&z]);
    let parameters = both(&bias, &weight);
    assert_emulated(pointwise::residual(OP, dims), half, &[&x, &z, &parameters], &[&y], &what);
    assert_emulated(pointwise::residual_backward(OP, dims), half, &[&dy, &parameters], &[&dz], &what);
}

/// Maps of `dims (.., N, C)`, with the mean subtracted and not.
fn maps_agree(dims: &[usize], half: bool) {
    let channels = dims[dims.len() - 1];
    let (x, dy) = (normal(dims, half, 1), normal(dims, half, 2));
    let [weight, bias] = [3, 4].map(|seed| normal(&[channels], false, seed));
    for centred in [true, false] {
        let what = format!("maps {dims:?}, centred: {centred}");
        let y = match centred {
            true => instance_norm(&x, &weight, &bias, 1e-5).unwrap(),
            false => rms_instance_norm(&x, &weight, 1e-5).unwrap(),
        };
        let scheme = Scheme { centred, eps: 1e-5 };
        assert_emulated(instance::forward(OP, dims, scheme), half, &[&x, &weight, &bias], &[&y], &what);
        let dbias = dy.flatten_to(dims.len() - 2).unwrap().sum(0).unwrap();
        let [dx, dweight] = gradients(&y, &dy, [&x, &weight]);
        let expected = [&dx, &dweight, &dbias];
        assert_emulated(instance::backward(OP, dims, scheme), half, &[&x, &weight, &dy], &expected, &what);
    }
}

/// Two axes of `dims (A, M, N, D)` swapped.
fn swapped_agree(dims: [usize; 4], half: bool) {
    let x = normal(&dims, half, 1);
    let y = x.transpose(1, 2).unwrap();
    assert_emulated(swap::swap(OP, dims), half, &[&x], &[&y], &format!("{dims:?} swapped"));
}

/// A convolution by patches: the gathered rows times the weight's matrix, and the scattered gradient.
fn patches_agree(dims: [usize; 5], axes: [Axis; 3], half: bool) {
    let [batch, t, h, w, channels] = dims;
    let size = [t, h, w];
    let mut outputs = [0; 3];
    for i in 0..3 {
        let Some(count) = axes[i].outputs(size[i]) else { return };
        outputs[i] = count;
    }
    let window = Window { axes, size, outputs, channels };
    let what = format!("{dims:?} with {axes:?}");
    // A filter for every element of the patch reads that one.
    let length = axes.iter().map(|axis| axis.kernel).product::<usize>() * channels;
    let [kt, kh, kw] = axes.map(|axis| axis.kernel);
    let identity = Tensor::eye(length, DType::F64, &Device::Cpu).unwrap();
    let weight = identity.reshape((length, kt, kh, kw, channels)).unwrap().permute([0, 4, 1, 2, 3]).unwrap();
    let x = normal(&dims, half, 1);
    let y = conv(&x, &weight, &Tensor::zeros(length, DType::F64, &Device::Cpu).unwrap(), &axes).unwrap();
    let dy = normal(y.dims(), half, 2);
    let [dx] = gradients(&y, &dy, [&x]);
    assert_emulated(patches::gather(OP, &window, batch), half, &[&x], &[&y], &what);
    assert_emulated(patches::scatter(OP, &window, batch), half, &[&dy], &[&dx], &what);
}

/// A convolution whose input needs no gradient, without a matrix of patches.
fn direct_agrees(dims: [usize; 5], filters: usize, axes: [Axis; 3], half: bool) {
    let [batch, t, h, w, channels] = dims;
    let what = format!("{dims:?} with {axes:?} to {filters}");
    let [kt, kh, kw] = axes.map(|axis| axis.kernel);
    let x = normal(&dims, half, 1);
    let weight = normal(&[filters, channels, kt, kh, kw], false, 2);
    let bias = normal(&[filters], false, 3);
    let y = conv(&x, &weight, &bias, &axes).unwrap();
    let [_, t_out, h_out, w_out, _] = *y.dims() else { panic!("{what}") };
    let window = Window { axes, size: [t, h, w], outputs: [t_out, h_out, w_out], channels };
    let direct = Direct::new(&Convolution { window, batch, filters }).expect(&what);
    let matrix =
        |weight: &Tensor| weight.permute([2, 3, 4, 1, 0]).unwrap().reshape((kh * kw * channels, filters)).unwrap();
    let dy = normal(y.dims(), half, 4);
    let [dweight, dbias] = gradients(&y, &dy, [&weight, &bias]);
    assert_emulated(direct.forward(OP), half, &[&x, &matrix(&weight), &bias], &[&y], &what);
    assert_emulated(direct.parameters(OP), half, &[&x, &dy], &[&matrix(&dweight), &dbias], &what);
}

#[test]
fn kernels_agree_where_tiles_blocks_and_chunks_end() {
    for half in [false, true] {
        // One position; a frame more than a tile; kernels larger than the field; more chunks than one.
        depthwise_agrees([1, 1, 1, 1, 1], [7, 7, 7], half);
        depthwise_agrees([2, 5, 9, 8, 33], [7, 7, 7], half);
        depthwise_agrees([1, 2, 3, 17, 32], [7, 7, 7], half);
        depthwise_agrees([3, 1, 16, 9, 65], [1, 7, 7], half);
        depthwise_agrees([2, 3, 4, 5, 40], [3, 5, 9], half);
        depthwise_agrees([1, 4, 9, 9, 2], [1, 1, 1], half);
        // Frames with neighbours on all sides, copied in packs of channels and one by one; a group that ends within.
        depthwise_agrees([1, 9, 5, 9, 20], [7, 7, 7], half);
        depthwise_agrees([2, 8, 3, 4, 3], [7, 7, 7], half);
        rows_agree(&[1, 1], half);
        rows_agree(&[2, 3, 7, 5], half);
        rows_agree(&[1, 33, 130], half);
        rows_agree(&[5000, 3], half);
        // Rows beside each other in a warp: 8, 2 and 1 of them.
        rows_agree(&[3, 1500, 16], half);
        rows_agree(&[77, 64], half);
        rows_agree(&[130, 128], half);
        maps_agree(&[2, 3, 10, 33], half);
        maps_agree(&[70, 9, 4], half);
        // Narrow matrices, and tiles that end anywhere; then rows of many numbers.
        for dims in [
            [1, 1, 1, 1],
            [2, 4, 3000, 1],
            [2, 3000, 11, 1],
            [3, 70, 131, 1],
            [1, 63, 64, 1],
            [2, 3, 5, 40],
            [1, 3, 2, 4096],
        ] {
            swapped_agree(dims, half);
        }
        let stem = [Axis::same(1), Axis::same(4), Axis::same(4)];
        direct_agrees([2, 3, 17, 33, 11], 16, stem, half);
        direct_agrees([1, 2, 40, 9, 4], 32, stem, half);
        // Fewer taps than a thread takes, an odd number of shares of a tile, two shares, and all of it as one.
        direct_agrees([1, 1, 20, 35, 1], 16, [Axis::same(1), Axis::same(1), Axis::same(3)], half);
        direct_agrees([2, 1, 33, 18, 5], 16, [Axis::same(1), Axis::same(5), Axis::same(5)], half);
        direct_agrees([1, 1, 18, 17, 7], 16, [Axis::same(1), Axis::same(5), Axis::same(10)], half);
        direct_agrees([1, 1, 17, 5, 8], 16, [Axis::same(1), Axis::same(5), Axis::same(10)], half);
        direct_agrees([1, 1, 3, 70, 16], 16, [Axis::same(1), Axis::padded(3, 2), Axis::padded(1, 0)], half);
        let halves = [Axis::patches(2); 3];
        patches_agree([2, 4, 6, 4, 3], halves, half);
        patches_agree([1, 5, 3, 7, 33], halves, half);
        // Packs of channels; lines longer than a block; and what no patch reaches.
        patches_agree([1, 2, 5, 90, 12], halves, half);
        patches_agree([2, 1, 7, 5, 8], [Axis::same(1), Axis::patches(3), Axis::patches(2)], half);
        patches_agree([1, 2, 4, 5, 4], [Axis::same(3), Axis::same(3), Axis::padded(2, 1)], half);
        patches_agree([1, 3, 8, 9, 2], [Axis::same(3), Axis::patches(4), Axis::same(4)], half);
        patches_agree(
            [2, 2, 5, 5, 1],
            [Axis::padded(2, 1), Axis::same(9), Axis { kernel: 3, stride: 2, padding: (1, 0) }],
            half,
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::with_cases(8) })]

    #[test]
    fn depthwise_kernels_agree(
        (b, t, side, channels) in (1usize..=2, 1usize..=6, (1usize..=20, 1usize..=20), 1usize..=40),
        kernel in prop_oneof![Just([7, 7, 7]), Just([1, 7, 7]), Just([3, 3, 3]), Just([1, 9, 3])],
        half: bool,
    ) {
        depthwise_agrees([b, t, side.0, side.1, channels], kernel, half);
    }

    #[test]
    fn kernels_on_rows_agree(rows in 1usize..=600, channels in 1usize..=130, half: bool) {
        rows_agree(&[rows, channels], half);
    }

    #[test]
    fn patches_agree_with_the_convolution(
        dims in [1usize..=2, 1usize..=5, 1usize..=9, 1usize..=9, 1usize..=5],
        axes in proptest::array::uniform3((1usize..=4, 1usize..=3, 0usize..=2, 0usize..=2)),
        half: bool,
    ) {
        let axes = axes.map(|(kernel, stride, before, after)| Axis { kernel, stride, padding: (before, after) });
        patches_agree(dims, axes, half);
    }
}

#[test]
fn adamw_takes_the_same_step() {
    let count = 1000;
    let [parameter, gradient] = [1, 2].map(|seed| normal(&[count], false, seed));
    let moments = normal(&[2, count], false, 3).abs().unwrap();
    let [p, g, m] = [&*parameter, &*gradient, &moments].map(floats);
    let new_moments: Vec<f32> = (0..2 * count)
        .map(|i| if i < count { 0.9 * m[i] + 0.1 * g[i] } else { 0.99 * m[i] + 0.01 * g[i - count] * g[i - count] })
        .collect();
    let numbers = [0.999, 0.01, 0.8, 1e-8];
    let (mean, square) = new_moments.split_at(count);
    let new_parameter: Vec<f32> =
        (0..count).map(|i| 0.999 * p[i] - 0.01 * mean[i] / (square[i].sqrt() / 0.8 + 1e-8)).collect();
    let plan = optim::adamw(OP, count, [0.1, 0.99, 0.01], numbers).unwrap();
    let Some([_, changed]) = emulate(&plan, false, &[&parameter, &moments, &gradient]) else { return };
    for (i, expected) in [new_parameter, new_moments, g].iter().enumerate() {
        compare(&changed[i], expected, false, "the parameter, its moments or its gradient");
    }
}

#[test]
fn what_a_card_cannot_launch_is_an_error() {
    let error = pointwise::gelu(OP, &[1 << 40, 32]).unwrap_err().to_string();
    assert!(error.contains("smaller batches"), "{error}");
    let geometry = Geometry::new(&[1 << 33, 4, 64, 64, 8], &[8, 1, 7, 7, 7], &[8]).unwrap();
    let error = depthwise::forward(OP, &geometry).unwrap_err().to_string();
    assert!(error.contains("smaller batches"), "{error}");
}
