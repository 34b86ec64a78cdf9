//! The patches of one system: their number along each axis, and the relative positions of pairs.

use physrep_plugin_api::{
    BoundaryCondition, Geometry,
    candle_core::{Device, Result, Tensor},
    nn::RelativeBias,
};

/// One system's grid of patches.
pub struct Grid {
    /// Patches along H.
    pub height: usize,
    /// Patches along W.
    pub width: usize,
    /// Buckets of the relative positions of pairs along H, `(height * height)`.
    pub rows: Tensor,
    /// Buckets of the relative positions of pairs along W, `(width * width)`.
    pub columns: Tensor,
}

impl Grid {
    /// The grid of `system` cut into patches of `patch` points.
    pub fn new(system: &Geometry, patch: usize, device: &Device) -> Result<Self> {
        let [height, width] = system.size().map(|points| points / patch);
        let [rows, columns] = system.boundaries.map(|boundary| boundary == BoundaryCondition::Periodic);
        let buckets = |count, periodic| RelativeBias::buckets(count, periodic, device);
        Ok(Self { height, width, rows: buckets(height, rows)?, columns: buckets(width, columns)? })
    }
}
