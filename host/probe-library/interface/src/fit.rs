//! The request for fits of one probe, and its answer.

use abi_stable::{
    StableAbi,
    std_types::{ROption, RResult, RSlice, RStr, RString, RVec},
};

/// Embeddings and labels of one split, borrowed for one call.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct SplitView<'a> {
    /// The split's name.
    pub name: RStr<'a>,
    /// Tokens, `(N, tokens, dim)` row-major.
    pub embeddings: RSlice<'a, f32>,
    /// Tokens per window.
    pub tokens: usize,
    /// Dimensions of a token.
    pub dim: usize,
    /// Scaled labels, `(N, P)` row-major.
    pub labels: RSlice<'a, f32>,
    /// The names of the `P` parameters.
    pub parameters: RSlice<'a, RStr<'a>>,
    /// The trajectory of each of the `N` windows.
    pub trajectory: RSlice<'a, u32>,
}

/// Fits of one probe.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct FitRequest<'a> {
    /// The probe and its settings, `Probe` of physrep-evaluation as JSON.
    pub probe: RStr<'a>,
    /// The seed of each fit.
    pub seeds: RSlice<'a, u64>,
    /// The index of the GPU to compute on; none for the CPU.
    pub gpu: ROption<u32>,
    /// The split to fit on.
    pub train: SplitView<'a>,
    /// The split to select on.
    pub valid: SplitView<'a>,
    /// The splits to predict.
    pub scored: RSlice<'a, SplitView<'a>>,
}

/// One fit.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct Fit {
    /// What it selected and how it went, `ProbeRecord` of physrep-evaluation as JSON.
    pub record: RString,
    /// For each scored split, the predicted labels, `(N, P)` row-major.
    pub predictions: RVec<RVec<f32>>,
}

/// A fit for each seed, or why there is none.
pub type FitResult = RResult<RVec<Fit>, RString>;
