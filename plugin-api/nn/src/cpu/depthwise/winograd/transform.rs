//! The transforms of Toom and Cook for four outputs of seven taps, `F(4, 7)`.
//!
//! Seven taps `g` over ten inputs `d` give four outputs `y[i] = sum over k of d[i + k] g[k]`. Evaluated at ten points,
//! nine of them finite, that takes ten products instead of 28 (Winograd, Arithmetic Complexity of Computations,
//! 1980): `y = A^T ((G g) * (B^T d))`, product by product. The gradient of the taps is
//! `dg = G^T ((B^T d) * (A dy))`.
//!
//! The points are zero, plus and minus each of [`PAIRS`], and infinity. Among such pairs of small dyadic fractions
//! these have the smallest round-off error in single precision, about five times that of the direct sum.

use crate::cpu::simd::{Float, Vector};

/// Outputs of one tile.
pub(super) const TILE: usize = 4;
/// Taps of a row.
pub(super) const TAPS: usize = 7;
/// Points of evaluation, and inputs of one tile.
pub(super) const POINTS: usize = TILE + TAPS - 1;

const PAIRS: [f64; 4] = [0.5, 0.75, 1.25, 2.5];

/// Coefficients, the constant first, of the product of `z - p^2` over all pairs `p` but `without`; the leading one is
/// 1.
const fn product(without: usize) -> [f64; 5] {
    let mut all = [1.0, 0.0, 0.0, 0.0, 0.0];
    let mut i = 0;
    while i < PAIRS.len() {
        if i != without {
            let root = PAIRS[i] * PAIRS[i];
            let mut k = all.len() - 1;
            while k > 0 {
                all[k] = all[k - 1] - root * all[k];
                k -= 1;
            }
            all[0] *= -root;
        }
        i += 1;
    }
    all
}

/// The transform `G` of the taps: each row is for a point, in the order of all arrays of points here: zero, then plus
/// and minus each of the pairs, then infinity.
pub(super) fn taps() -> [[f64; TAPS]; POINTS] {
    let powers = |point: f64, scale: f64| std::array::from_fn(|k| point.powi(k as i32) / scale);
    let mut g = [[0.0; TAPS]; POINTS];
    g[0][0] = 1.0 / product(PAIRS.len())[0];
    for (i, &point) in PAIRS.iter().enumerate() {
        let rest = product(i).iter().rev().fold(0.0, |sum, c| sum * point * point + c);
        let scale = 2.0 * point * point * rest;
        g[1 + 2 * i] = powers(point, scale);
        g[2 + 2 * i] = powers(-point, scale);
    }
    g[POINTS - 1][TAPS - 1] = 1.0;
    g
}

/// The transforms of fields, a register of channels at a time.
pub(super) struct Transform<V> {
    pairs: [Pair<V>; 4],
    /// Coefficients of the product over all pairs, without the leading one.
    all: [V; 4],
}

struct Pair<V> {
    /// The point and its powers.
    powers: [V; 3],
    /// Coefficients of the product over the other pairs, without the leading one.
    others: [V; 3],
}

impl<V: Copy> Transform<V> {
    #[inline(always)]
    pub(super) fn new<T: Float>() -> Self
    where
        V: Vector<T>,
    {
        let constant = |value| V::splat(T::from_f64(value));
        let all = const { product(PAIRS.len()) };
        let others = const { [product(0), product(1), product(2), product(3)] };
        Self {
            pairs: std::array::from_fn(|i| Pair {
                powers: std::array::from_fn(|k| constant(PAIRS[i].powi(k as i32 + 1))),
                others: std::array::from_fn(|k| constant(others[i][k])),
            }),
            all: std::array::from_fn(|k| constant(all[k])),
        }
    }

    /// `B^T d`.
    #[inline(always)]
    pub(super) fn window<T: Float>(&self, d: &[V; POINTS]) -> [V; POINTS]
    where
        V: Vector<T>,
    {
        let mut points = [d[0]; POINTS];
        let whole = |first: usize| {
            let mut sum = d[first + 8];
            for (k, &coefficient) in self.all.iter().enumerate() {
                sum = d[first + 2 * k].mul_add(coefficient, sum);
            }
            sum
        };
        points[0] = whole(0);
        points[POINTS - 1] = whole(1);
        for (i, pair) in self.pairs.iter().enumerate() {
            let (mut even, mut odd) = (d[8], d[7]);
            for (k, &coefficient) in pair.others.iter().enumerate() {
                even = d[2 * k + 2].mul_add(coefficient, even);
                odd = d[2 * k + 1].mul_add(coefficient, odd);
            }
            let odd = odd.mul(pair.powers[0]);
            points[1 + 2 * i] = even.add(odd);
            points[2 + 2 * i] = even.sub(odd);
        }
        points
    }

    /// `A x`.
    #[inline(always)]
    pub(super) fn tile<T: Float>(&self, x: &[V; TILE]) -> [V; POINTS]
    where
        V: Vector<T>,
    {
        let mut points = [x[0]; POINTS];
        points[POINTS - 1] = x[3];
        for (i, pair) in self.pairs.iter().enumerate() {
            let even = x[2].mul_add(pair.powers[1], x[0]);
            let odd = x[3].mul_add(pair.powers[2], x[1].mul(pair.powers[0]));
            points[1 + 2 * i] = even.add(odd);
            points[2 + 2 * i] = even.sub(odd);
        }
        points
    }

    /// `A^T m`.
    #[inline(always)]
    pub(super) fn outputs<T: Float>(&self, m: &[V; POINTS]) -> [V; TILE]
    where
        V: Vector<T>,
    {
        let zero = V::splat(T::zero());
        let mut y = [m[0], zero, zero, m[POINTS - 1]];
        for (i, [p, p2, p3]) in self.pairs.iter().map(|pair| pair.powers).enumerate() {
            let sum = m[1 + 2 * i].add(m[2 + 2 * i]);
            let difference = m[1 + 2 * i].sub(m[2 + 2 * i]);
            y[0] = y[0].add(sum);
            y[1] = difference.mul_add(p, y[1]);
            y[2] = sum.mul_add(p2, y[2]);
            y[3] = difference.mul_add(p3, y[3]);
        }
        y
    }
}
