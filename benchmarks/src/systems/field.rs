//! A field of a system, and its components: the channels.

use serde::{Deserialize, Serialize};

/// The tensor rank of a field on a two-dimensional domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rank {
    /// One component.
    Scalar,
    /// Two components, `x` and `y`.
    Vector,
    /// Four components, row-major: `xx`, `xy`, `yx`, `yy`.
    Tensor,
}

impl Rank {
    /// All ranks, in the order of their order.
    pub const ALL: [Self; 3] = [Self::Scalar, Self::Vector, Self::Tensor];

    /// The order of the tensor: 0, 1 or 2, the digit in The Well's `t0_fields`, `t1_fields` and `t2_fields`.
    pub fn order(self) -> usize {
        match self {
            Self::Scalar => 0,
            Self::Vector => 1,
            Self::Tensor => 2,
        }
    }

    /// Number of components: 1, 2 or 4.
    pub fn components(self) -> usize {
        1 << self.order()
    }

    /// The suffixes that make channel names of a field's name: `velocity_x`, `D_xy`; none for a scalar.
    pub fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Scalar => &[""],
            Self::Vector => &["_x", "_y"],
            Self::Tensor => &["_xx", "_xy", "_yx", "_yy"],
        }
    }
}

/// A field of a system: a name and a tensor rank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The name, as in The Well's files.
    pub name: String,
    /// The tensor rank.
    pub rank: Rank,
}

impl Field {
    /// A field of the given name and rank.
    pub fn new(name: impl Into<String>, rank: Rank) -> Self {
        Self { name: name.into(), rank }
    }
}
