//! Where a token is relative to another: a learned bias on attention for every bucket of distances.
//!
//! Buckets are those of T5 (arXiv:1910.10683), 32 of them: for either direction one each for distances 0 to 7, then
//! eight that widen evenly in the logarithm up to a distance of 32, the last of which takes all that is beyond. Along a
//! periodic axis the distance may be the shorter way round.

use candle_core::{DType, Device, Result, Tensor};

use crate::params::{Init, Params};

/// How many buckets there are.
pub const BUCKETS: usize = 32;
/// For one direction.
const ONE_WAY: usize = BUCKETS / 2;
/// Distances that have a bucket each.
const EXACT: usize = ONE_WAY / 2;
/// The distance from which on all are alike.
const FARTHEST: f64 = 32.0;

/// The bucket of a key that is `offset` tokens ahead of the query (behind it, where negative).
pub fn bucket(offset: i64) -> usize {
    let distance = offset.unsigned_abs() as usize;
    let along = if distance < EXACT {
        distance
    } else {
        let logarithm = (distance as f64 / EXACT as f64).ln() / (FARTHEST / EXACT as f64).ln();
        (EXACT + (logarithm * (ONE_WAY - EXACT) as f64) as usize).min(ONE_WAY - 1)
    };
    if offset > 0 { ONE_WAY + along } else { along }
}

/// How far `key` is ahead of `query` among `count` tokens. On a periodic axis it is the shorter way round, and forward
/// where both are as long: the same for every pair that a shift takes to another, for any count.
pub fn offset(query: usize, key: usize, count: usize, periodic: bool) -> i64 {
    let (ahead, count) = (key as i64 - query as i64, count as i64);
    match periodic {
        false => ahead,
        true => count / 2 - (count / 2 - ahead).rem_euclid(count),
    }
}

/// The bucket of every pair along an axis of `count` tokens, by query and then key, `(count * count)`.
pub fn buckets(count: usize, periodic: bool, device: &Device) -> Result<Tensor> {
    let pairs = (0..count * count).map(|i| (i / count, i % count));
    let buckets: Vec<u32> = pairs.map(|(query, key)| bucket(offset(query, key, count, periodic)) as u32).collect();
    Tensor::new(buckets, device)
}

/// A row of `BUCKETS` numbers for each of `buckets (n)`, one where that is and zeros elsewhere. Its product with a table selects
/// rows, and has a gradient that a GPU adds up in parallel; the selection's it adds up one after the other.
fn one_hot(buckets: &Tensor, dtype: DType) -> Result<Tensor> {
    let all = Tensor::arange(0u32, BUCKETS as u32, buckets.device())?.unsqueeze(0)?;
    buckets.unsqueeze(1)?.broadcast_eq(&all)?.to_dtype(dtype)
}

/// The bias, one number for each bucket and head.
pub struct RelativeBias {
    table: Tensor,
}

impl RelativeBias {
    /// A table for `heads` heads under `name`, `(32, heads)`, normal numbers at first.
    pub fn new(heads: usize, name: &str, params: &Params) -> Result<Self> {
        Ok(Self { table: params.get((BUCKETS, heads), name, Init::Normal { std: 1.0 })? })
    }

    /// What [`buckets`] of an axis of `count` tokens stand for: `(heads, count, count)`.
    pub fn forward(&self, buckets: &Tensor, count: usize) -> Result<Tensor> {
        if !self.table.device().is_cpu() {
            return one_hot(buckets, self.table.dtype())?.matmul(&self.table)?.t()?.contiguous()?.reshape((
                (),
                count,
                count,
            ));
        }
        self.table.index_select(buckets, 0)?.t()?.contiguous()?.reshape(((), count, count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;

    #[test]
    fn a_product_selects_the_same_rows() -> Result<()> {
        let table = Rng::new(1, "table", 0).normal((BUCKETS, 3), DType::F64, &Device::Cpu)?;
        let buckets = buckets(40, true, &Device::Cpu)?;
        let difference = (one_hot(&buckets, DType::F64)?.matmul(&table)? - table.index_select(&buckets, 0)?)?;
        assert_eq!(difference.abs()?.max_all()?.to_scalar::<f64>()?, 0.0);
        Ok(())
    }
}
