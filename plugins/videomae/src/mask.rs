//! Tube masking: what the encoder does not get to see.

use candle_core::{Device, Result, Tensor};
use physrep_nn::Rng;

use crate::grid::Grid;

/// The same number of tokens of every sample of a batch.
pub struct Selection {
    batch: usize,
    /// Which token of its sample, `(B * n)`.
    positions: Tensor,
    /// Which row of all samples' tokens, `(B * n)`.
    rows: Tensor,
}

impl Selection {
    /// `tokens[b]` are those of sample `b`, of `count` that it has.
    fn new(tokens: &[Vec<u32>], count: usize, device: &Device) -> Result<Self> {
        let rows: Vec<u32> = (0u32..)
            .zip(tokens)
            .flat_map(|(sample, tokens)| tokens.iter().map(move |token| sample * count as u32 + token))
            .collect();
        Ok(Self {
            batch: tokens.len(),
            positions: Tensor::new(tokens.concat(), device)?,
            rows: Tensor::new(rows, device)?,
        })
    }

    /// Every token of `batch` samples.
    pub fn all(grid: &Grid, batch: usize, device: &Device) -> Result<Self> {
        let tokens: Vec<u32> = (0..grid.tokens() as u32).collect();
        Self::new(&vec![tokens; batch], grid.tokens(), device)
    }

    /// Of all samples' rows `(B * tokens, K)` the selected, `(B * n, K)`.
    pub fn rows_of(&self, all: &Tensor) -> Result<Tensor> {
        all.index_select(&self.rows, 0)
    }

    /// Of one row for each position `(tokens, K)` those of the selected tokens, `(B * n, K)`.
    pub fn positions_of(&self, table: &Tensor) -> Result<Tensor> {
        table.index_select(&self.positions, 0)
    }

    /// Which tokens of each sample are selected, `(B, n)`.
    pub fn tokens(&self) -> Result<Tensor> {
        self.positions.reshape((self.batch, ()))
    }

    /// Selected tokens of one sample.
    pub fn per_sample(&self) -> usize {
        self.positions.elem_count() / self.batch
    }

    /// Rows `(B * n, K)` sample by sample, `(B, n, K)`.
    pub fn by_sample(&self, rows: &Tensor) -> Result<Tensor> {
        rows.reshape((self.batch, self.per_sample(), ()))
    }
}

/// A tube mask (arXiv:2203.12602, section 3.3): the patches that it hides are hidden in all time slots, so that nothing
/// hidden can be copied from the frames before or after. Every sample has a mask of its own.
pub struct TubeMask {
    /// What the encoder sees.
    pub visible: Selection,
    /// What the decoder is to predict.
    pub hidden: Selection,
}

impl TubeMask {
    /// Hides `hidden` patches, drawn from `rng`, of each of `batch` samples.
    pub fn draw(grid: &Grid, batch: usize, hidden: usize, rng: &mut Rng, device: &Device) -> Result<Self> {
        let patches = grid.patches() as u32;
        let slots = grid.slots() as u32;
        let tubes = |chosen: &[u32]| -> Vec<u32> {
            (0..slots).flat_map(|slot| chosen.iter().map(move |patch| slot * patches + patch)).collect()
        };
        let (hidden, visible): (Vec<_>, Vec<_>) = (0..batch)
            .map(|_| {
                let order = rng.permutation(patches as usize);
                let (hidden, visible) = order.split_at(hidden);
                (tubes(hidden), tubes(visible))
            })
            .unzip();
        Ok(Self {
            visible: Selection::new(&visible, grid.tokens(), device)?,
            hidden: Selection::new(&hidden, grid.tokens(), device)?,
        })
    }
}
