//! The patches of one system: how many there are along each axis, and how far from each other.

use candle_core::{Device, Result, Tensor};
use physrep_plugin_api::{BoundaryCondition, Geometry, nn::RelativeBias};

/// One system's grid of patches.
pub struct Grid {
    /// Patches along H.
    pub height: usize,
    /// Patches along W.
    pub width: usize,
    /// Buckets of the pairs along H, `(height * height)`.
    pub rows: Tensor,
    /// Buckets of the pairs along W, `(width * width)`.
    pub columns: Tensor,
}

impl Grid {
    /// The grid of `system` cut into patches of `patch` points.
    pub fn new(system: &Geometry, patch: usize, device: &Device) -> Result<Self> {
        let [height, width] = system.size().map(|points| points / patch);
        let [rows, columns] = system.boundaries.map(|boundary| boundary == BoundaryCondition::Periodic);
        Ok(Self {
            height,
            width,
            rows: RelativeBias::buckets(height, rows, device)?,
            columns: RelativeBias::buckets(width, columns, device)?,
        })
    }
}
