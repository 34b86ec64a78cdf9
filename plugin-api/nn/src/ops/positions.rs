//! Fixed positions of tokens.

use candle_core::{DType, Device, Result, Tensor};

/// Sine and cosine embeddings of the positions of `count` tokens of `dim` channels, `(1, count, dim)`: channel `2 i`
/// holds `sin(n / 10000^(2 i / dim))` at token `n`, and channel `2 i + 1` its cosine (arXiv:1706.03762).
pub fn sincos_positions(count: usize, dim: usize, dtype: DType, device: &Device) -> Result<Tensor> {
    let position = |n: usize, c: usize| {
        let angle = n as f64 / 10_000f64.powf((c / 2 * 2) as f64 / dim as f64);
        if c.is_multiple_of(2) { angle.sin() } else { angle.cos() }
    };
    let values: Vec<f64> = (0..count * dim).map(|i| position(i / dim, i % dim)).collect();
    Tensor::from_vec(values, (1, count, dim), &Device::Cpu)?.to_dtype(dtype)?.to_device(device)
}
