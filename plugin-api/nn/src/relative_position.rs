//! Where a token is relative to another: a learned bias on attention for every bucket of distances.
//!
//! Buckets are those of T5 (arXiv:1910.10683), 32 of them: for either direction one each for distances 0 to 7, then
//! eight that widen evenly in the logarithm up to a distance of 32, the last of which takes all that is beyond. Along a
//! periodic axis the distance may be the shorter way round.

use candle_core::{Device, Result, Tensor};

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
        self.table.index_select(buckets, 0)?.t()?.contiguous()?.reshape(((), count, count))
    }
}
