//! The speed of each kernel, beside the peak of this machine.
//!
//! `cargo bench -p physrep-nn --bench kernels` first measures the peak, a loop of fused multiply-adds on all threads
//! (RAYON_NUM_THREADS sets their number), then every kernel at its shapes in the JEPA encoder of arXiv:2603.13227 on
//! clips of 16 frames. Operations are counted by the definition, so a fast algorithm may exceed 100 %. Times are the
//! minimum of several runs. From the times of gradients the overhead of candle's backward pass, measured with an
//! operation that does nothing, is subtracted.

use std::{hint::black_box, time::Instant};

use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Result, Shape, Tensor, Var};
use physrep_nn::{
    Axis, Conv, ConvNextBlock, DepthwiseConv, LayerNorm, Linear, Params, Rng, TransformerBlock, gelu,
    retain_heap_memory, self_attention,
};

fn main() -> Result<()> {
    retain_heap_memory();
    // The threads of candle's own pool spin while they wait, and would take cores from rayon's. The host's workers set
    // the same.
    // SAFETY: no other thread runs yet.
    unsafe { std::env::set_var("CANDLE_NUM_THREADS", "1") };
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let peak = peak();
    println!("peak of {} threads: {:.0} GFLOP/s in f32\n", rayon::current_num_threads(), peak);
    println!(
        "{:<44} {:>10} {:>9} {:>7}  {:>10} {:>9} {:>7}",
        "", "forward", "GFLOP/s", "peak", "gradients", "GFLOP/s", "peak"
    );
    for case in cases()? {
        if wanted.is_empty() || wanted.iter().any(|wanted| case.name.contains(wanted.as_str())) {
            case.report(peak)?;
        }
    }
    Ok(())
}

/// One operation at one shape.
struct Case {
    name: String,
    input: Var,
    /// Floating point operations of the forward pass; the gradients of input and weights take twice as many.
    flops: f64,
    run: Run,
}

type Run = Box<dyn Fn(&Tensor) -> Result<Tensor>>;

impl Case {
    fn new(name: &str, shape: &[usize], flops: f64, run: impl Fn(&Tensor) -> Result<Tensor> + 'static) -> Result<Self> {
        let input = Rng::new(1, "input", 0).normal(shape, DType::F32, &Device::Cpu)?;
        let name = format!("{name} {shape:?}");
        Ok(Self { name, input: Var::from_tensor(&input)?, flops, run: Box::new(run) })
    }

    fn report(&self, peak: f64) -> Result<()> {
        let frozen = self.input.as_detached_tensor();
        let forward = least_seconds(|| (self.run)(&frozen).map(|_| 0.0))?;
        let output = (self.run)(&frozen)?;
        let backward = |run: &dyn Fn(&Tensor) -> Result<Tensor>| {
            least_seconds(|| {
                let loss = run(&self.input)?.apply_op1(GradientOf(output.clone()))?;
                let clock = Instant::now();
                black_box(loss.backward()?);
                Ok(clock.elapsed().as_secs_f64())
            })
        };
        let gradients = backward(&self.run)? - backward(&|x| x.apply_op1(Nothing(output.shape().clone())))?;
        print!("{:<44}", self.name);
        for (seconds, flops) in [(forward, self.flops), (gradients, 2.0 * self.flops)] {
            let rate = flops / seconds / 1e9;
            print!(" {:>7.2} ms {rate:>9.1} {:>5.0} % ", 1e3 * seconds, 100.0 * rate / peak);
        }
        println!();
        Ok(())
    }
}

/// A scalar whose gradient is this tensor: a loss that costs no time.
struct GradientOf(Tensor);

impl CustomOp1 for GradientOf {
    fn name(&self) -> &'static str {
        "gradient_of"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(vec![0.0]), Shape::from(())))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(self.0.clone()))
    }
}

/// An operation that does nothing; its result has this shape.
struct Nothing(Shape);

impl CustomOp1 for Nothing {
    fn name(&self) -> &'static str {
        "nothing"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(vec![0.0; self.0.elem_count()]), self.0.clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(x.detach()))
    }
}

/// The minimum time of `run` within about a second. `run` returns the seconds that it measured itself, or 0 to be timed
/// as a whole.
fn least_seconds(run: impl Fn() -> Result<f64>) -> Result<f64> {
    let (all, mut least) = (Instant::now(), f64::INFINITY);
    let mut runs = 0;
    while runs < 3 || all.elapsed().as_secs_f64() < 1.0 {
        let clock = Instant::now();
        let told = black_box(run()?);
        least = least.min(if told > 0.0 { told } else { clock.elapsed().as_secs_f64() });
        runs += 1;
    }
    Ok(least)
}

fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    // Batch of 2: context and target make four clips of 64x64.
    let stages = [[4, 16, 64, 64, 16], [4, 8, 32, 32, 32], [4, 4, 16, 16, 64], [4, 2, 8, 8, 128]];
    let params = Params::new(DType::F32, &Device::Cpu, 1);
    let count = |shape: &[usize]| shape.iter().product::<usize>() as f64;
    for shape in stages {
        let layer = DepthwiseConv::new(shape[4], &[7, 7, 7], params.pp(format!("depthwise{shape:?}")))?;
        cases.push(Case::new("depthwise 7x7x7", &shape, 2.0 * 343.0 * count(&shape), move |x| layer.forward(x))?);
    }
    let shape = [4, 14, 14, 128];
    let layer = DepthwiseConv::new(128, &[7, 7], params.pp("depthwise2d"))?;
    cases.push(Case::new("depthwise 7x7", &shape, 2.0 * 49.0 * count(&shape), move |x| layer.forward(x))?);

    let axes = [Axis::same(1), Axis::same(4), Axis::same(4)];
    let layer = Conv::new(11, 16, &axes, params.pp("stem"))?;
    let shape = [4, 16, 64, 64, 11];
    cases.push(Case::new("stem 1x4x4", &shape, 2.0 * 16.0 * 16.0 * count(&shape), move |x| layer.forward(x))?);
    let layer = Conv::new(16, 32, &[Axis::patches(2); 3], params.pp("patches"))?;
    let shape = [4, 16, 64, 64, 16];
    cases.push(Case::new("patches 2x2x2", &shape, 2.0 * 32.0 * count(&shape), move |x| layer.forward(x))?);
    let layer = LayerNorm::new(16, 1e-6, params.pp("norm"))?;
    cases.push(Case::new("layer norm", &shape, 8.0 * count(&shape), move |x| layer.forward(x))?);
    cases.push(Case::new("gelu", &[4, 16, 64, 64, 16], 25.0 * count(&shape), gelu)?);
    for shape in stages {
        let c = shape[4];
        let block = ConvNextBlock::new(c, &[7, 7, 7], 0.1, params.pp(format!("block{c}")))?;
        let flops = (2 * 343 + 16 * c) as f64 * count(&shape);
        cases.push(Case::new("ConvNeXt block", &shape, flops, move |x| block.forward(x))?);
    }
    // ViT-S on two clips of 16 frames of 224x224.
    let (tokens, dim) = (1568, 384);
    let layer = Linear::new(dim, 4 * dim, params.pp("linear"))?;
    let shape = [2, tokens, dim];
    cases.push(Case::new("linear to four times", &shape, (8 * dim) as f64 * count(&shape), move |x| layer.forward(x))?);
    let flops = 4.0 * (2 * tokens * tokens * dim) as f64;
    cases.push(Case::new("self-attention", &[2, tokens, 3 * dim], flops, |x| self_attention(x, None, 6))?);
    let block = TransformerBlock::new(dim, 6, 1e-6, params.pp("transformer"))?;
    let flops = flops + (24 * dim) as f64 * count(&shape);
    cases.push(Case::new("transformer block", &shape, flops, move |x| block.forward(x))?);
    Ok(cases)
}

/// GFLOP/s of fused multiply-adds in f32 on all threads of the pool.
fn peak() -> f64 {
    const ROUNDS: u64 = 20_000_000;
    (0..3)
        .map(|_| {
            let clock = Instant::now();
            let flops: f64 = rayon::broadcast(|_| multiply_add(ROUNDS)).into_iter().sum();
            flops / clock.elapsed().as_secs_f64() / 1e9
        })
        .fold(0.0, f64::max)
}

/// Runs `rounds` rounds of independent multiply-adds in the widest registers; returns the operations done.
fn multiply_add(rounds: u64) -> f64 {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::*;
        macro_rules! rounds {
            ($name:ident, $features:literal, $register:ty, $set:ident, $fma:ident) => {
                #[target_feature(enable = $features)]
                fn $name(rounds: u64) -> [$register; 12] {
                    let (a, b) = ($set(black_box(1.0)), $set(black_box(1e-9)));
                    let mut sums = [a; 12];
                    for _ in 0..rounds {
                        for sum in &mut sums {
                            *sum = $fma(*sum, a, b);
                        }
                    }
                    sums
                }
            };
        }
        rounds!(avx512, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps);
        rounds!(avx2, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps);
        if physrep_nn::instruction_set() == "AVX-512" {
            // SAFETY: the machine has the instruction set that kernels use.
            black_box(unsafe { avx512(rounds) });
            return rounds as f64 * 12.0 * 16.0 * 2.0;
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the line above has checked the instruction set.
            black_box(unsafe { avx2(rounds) });
            return rounds as f64 * 12.0 * 8.0 * 2.0;
        }
    }
    let mut sums = [[1f32; 4]; 8];
    let (a, b) = (black_box(1f32), black_box(1e-9f32));
    for _ in 0..rounds {
        for sum in sums.as_flattened_mut() {
            *sum = if cfg!(target_arch = "aarch64") { sum.mul_add(a, b) } else { *sum * a + b };
        }
    }
    black_box(sums);
    rounds as f64 * 32.0 * 2.0
}
