//! Relative positions: a learned bias of attention for every bucket of distances between tokens.
//!
//! The 32 buckets are those of T5 (arXiv:1910.10683): for either direction, one for each distance from 0 to 7, then
//! eight of equal width in the logarithm up to a distance of 32; the last one includes all larger distances.

use candle_core::{DType, Device, Result, Tensor};

use crate::init::Init;
use crate::params::Params;

/// Number of buckets.
const BUCKETS: usize = 32;
/// Buckets per direction.
const ONE_WAY: usize = BUCKETS / 2;
/// Distances with a bucket of their own.
const EXACT: usize = ONE_WAY / 2;
/// The distance from which on all share the last bucket.
const FARTHEST: f64 = 32.0;

/// The bucket of a key that is `offset` tokens ahead of the query, or behind it if negative.
fn bucket(offset: i64) -> usize {
    let distance = offset.unsigned_abs() as usize;
    let along = if distance < EXACT {
        distance
    } else {
        let logarithm = (distance as f64 / EXACT as f64).ln() / (FARTHEST / EXACT as f64).ln();
        (EXACT + (logarithm * (ONE_WAY - EXACT) as f64) as usize).min(ONE_WAY - 1)
    };
    if offset > 0 { ONE_WAY + along } else { along }
}

/// The distance of `key` ahead of `query` among `count` tokens. On a periodic axis it is the shorter of both ways, or
/// the one ahead if they are equal: the same for all pairs that a shift maps to each other, for any count.
fn offset(query: usize, key: usize, count: usize, periodic: bool) -> i64 {
    let (ahead, count) = (key as i64 - query as i64, count as i64);
    match periodic {
        false => ahead,
        true => count / 2 - (count / 2 - ahead).rem_euclid(count),
    }
}

/// The one-hot rows `(n, BUCKETS)` of `buckets (n)`. Their product with a table selects rows. A GPU sums the gradient
/// of the product in parallel; that of a selection it sums sequentially.
fn one_hot(buckets: &Tensor, dtype: DType) -> Result<Tensor> {
    let all = Tensor::arange(0u32, BUCKETS as u32, buckets.device())?.unsqueeze(0)?;
    buckets.unsqueeze(1)?.broadcast_eq(&all)?.to_dtype(dtype)
}

/// A learned bias for each bucket and head.
pub struct RelativeBias {
    table: Tensor,
}

impl RelativeBias {
    /// A table `(32, heads)` under `name`, initialised from the standard normal distribution.
    pub fn new(heads: usize, name: &str, params: &Params) -> Result<Self> {
        Ok(Self { table: params.get((BUCKETS, heads), name, Init::Normal { std: 1.0 })? })
    }

    /// The bucket of every pair of tokens along an axis of `count` tokens, by query and then key: `(count * count)`,
    /// u32. On a periodic axis distances are the shorter of both ways.
    pub fn buckets(count: usize, periodic: bool, device: &Device) -> Result<Tensor> {
        let pairs = (0..count * count).map(|i| (i / count, i % count));
        let buckets: Vec<u32> = pairs.map(|(query, key)| bucket(offset(query, key, count, periodic)) as u32).collect();
        Tensor::new(buckets, device)
    }

    /// The bias `(heads, count, count)` for the [`buckets`](Self::buckets) of an axis of `count` tokens.
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
    use crate::rng::Rng;

    #[test]
    fn a_product_selects_the_same_rows() -> Result<()> {
        let table = Rng::new(1, "table", 0).normal((BUCKETS, 3), DType::F64, &Device::Cpu)?;
        let buckets = RelativeBias::buckets(40, true, &Device::Cpu)?;
        let difference = (one_hot(&buckets, DType::F64)?.matmul(&table)? - table.index_select(&buckets, 0)?)?;
        assert_eq!(difference.abs()?.max_all()?.to_scalar::<f64>()?, 0.0);
        Ok(())
    }

    #[test]
    fn buckets_are_those_of_t5() {
        // 8 * 2^(i / 4) begins bucket 8 + i: 8, 9.51, 11.31, 13.45, 16, 19.03, 22.63, 26.91.
        let begins = [8, 10, 12, 14, 16, 20, 23, 27];
        for distance in 0..200i64 {
            let along = match distance {
                0..8 => distance as usize,
                _ => 7 + begins.iter().filter(|first| **first <= distance).count(),
            };
            assert_eq!(bucket(-distance), along, "{distance} behind");
            if distance > 0 {
                assert_eq!(bucket(distance), 16 + along, "{distance} ahead");
            }
        }
    }

    #[test]
    fn a_periodic_axis_goes_the_shorter_way_round() {
        for count in 1..12 {
            for (query, key) in (0..count * count).map(|i| (i / count, i % count)) {
                let (plain, wrapped) = (offset(query, key, count, false), offset(query, key, count, true));
                assert_eq!(plain, key as i64 - query as i64);
                assert_eq!((wrapped - plain).rem_euclid(count as i64), 0);
                assert!(2 * wrapped <= count as i64 && 2 * wrapped > -(count as i64), "{count}: {wrapped}");
                let shifted = offset((query + 1) % count, (key + 1) % count, count, true);
                assert_eq!(wrapped, shifted, "{count} tokens, from {query} to {key}");
            }
        }
    }
}
