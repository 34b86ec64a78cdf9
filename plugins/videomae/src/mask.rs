//! Tube masks: which tubelets are hidden from the encoder.

use physrep_plugin_api::{
    candle_core::{Device, Result, Tensor},
    nn::Rng,
};

use crate::grid::Grid;

/// A selection of tokens, equally many of each sample of a batch.
pub struct Selection {
    batch: usize,
    /// The token's index within its sample, `(B * n)`.
    positions: Tensor,
    /// The token's index among those of all samples, `(B * n)`.
    rows: Tensor,
}

impl Selection {
    /// The tokens `tokens[b]` of sample `b`; each sample has `count` in all.
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

    /// The selected rows of all samples' rows: `(B * tokens, K)` to `(B * n, K)`.
    pub fn rows_of(&self, all: &Tensor) -> Result<Tensor> {
        all.index_select(&self.rows, 0)
    }

    /// The rows of a table with one row per position, for the selected tokens: `(tokens, K)` to `(B * n, K)`.
    pub fn positions_of(&self, table: &Tensor) -> Result<Tensor> {
        table.index_select(&self.positions, 0)
    }

    /// The selected tokens of each sample, `(B, n)`.
    #[cfg(test)]
    pub fn tokens(&self) -> Result<Tensor> {
        self.positions.reshape((self.batch, ()))
    }

    /// The number of selected tokens per sample.
    pub fn per_sample(&self) -> usize {
        self.positions.elem_count() / self.batch
    }

    /// Rows of the selected tokens, `(B * n, K)`, to `(B, n, K)`.
    pub fn by_sample(&self, rows: &Tensor) -> Result<Tensor> {
        rows.reshape((self.batch, self.per_sample(), ()))
    }
}

/// A tube mask (arXiv:2203.12602, section 3.3): a hidden patch is hidden in all time slots, so that it cannot be copied from
/// the frames before or after. Each sample has its own mask.
pub struct TubeMask {
    /// The tokens that the encoder sees.
    pub visible: Selection,
    /// The tokens that the decoder predicts.
    pub hidden: Selection,
}

impl TubeMask {
    /// A mask that hides `hidden` random patches of each of `batch` samples.
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
