//! Initial values of parameters.

use candle_core::{Result, bail};

use crate::rng::Rng;

/// The distribution of the initial values of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// A constant.
    Const(f64),
    /// Uniform on `[-bound, bound)`.
    Uniform {
        /// Half the width of the interval.
        bound: f64,
    },
    /// Normal with mean zero.
    Normal {
        /// Standard deviation.
        std: f64,
    },
    /// Normal with mean zero, redrawn while outside `[-2, 2]`. The interval is absolute, as in
    /// `torch.nn.init.trunc_normal_`, so at the usual `std` of 0.02 nothing is cut.
    TruncNormal {
        /// Standard deviation before truncation, at most 2: beyond that, most draws would be rejected.
        std: f64,
    },
}

impl Init {
    /// PyTorch's default for the weights and biases of linear and convolutional layers
    /// (`kaiming_uniform_` with `a = sqrt(5)`): uniform with bound `1 / sqrt(fan_in)`, where
    /// `fan_in` is the number of inputs of one output.
    pub fn fan_in_uniform(fan_in: usize) -> Self {
        Self::Uniform { bound: 1.0 / (fan_in.max(1) as f64).sqrt() }
    }

    /// `len` initial values.
    ///
    /// # Errors
    /// If the constant, bound or standard deviation is out of its range.
    pub(crate) fn fill(self, len: usize, rng: &mut Rng) -> Result<Vec<f64>> {
        let scale = match self {
            Self::Const(value) => value,
            Self::Uniform { bound } => bound,
            Self::Normal { std } | Self::TruncNormal { std } => std,
        };
        let valid = match self {
            Self::Const(_) => scale.is_finite(),
            Self::Uniform { .. } | Self::Normal { .. } => scale.is_finite() && scale >= 0.0,
            Self::TruncNormal { .. } => (0.0..=2.0).contains(&scale),
        };
        if !valid {
            bail!(
                "cannot initialise with {self:?}: expected a finite constant, a finite bound or std of 0 or more, or for TruncNormal a std in [0, 2]"
            );
        }
        Ok((0..len)
            .map(|_| match self {
                Self::Const(value) => value,
                Self::Uniform { bound } => bound * (2.0 * rng.uniform() - 1.0),
                Self::Normal { std } => std * rng.standard_normal(),
                Self::TruncNormal { std } => loop {
                    let value = std * rng.standard_normal();
                    if value.abs() <= 2.0 {
                        break value;
                    }
                },
            })
            .collect())
    }
}
