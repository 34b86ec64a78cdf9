//! The probe library in the process of a cell: opened, checked, and asked for fits.

use std::path::PathBuf;

use abi_stable::{
    library::{LibraryError, lib_header_from_path},
    std_types::{ROption, RResult, RStr},
};
use physrep_evaluation::{LabelledEmbeddings, Probe};
use physrep_probe_interface::{FitRequest, ProbeLibraryRef, SplitView};
use physrep_records::{Device, ProbeLibraryFile, files};
use serde_json::Value;

use crate::error::{Error, Result, plain};

/// What to do about a library that is refused.
const REBUILD: &str = "build it from the sources of this physrep-bench: `cargo build --release --features cuda --target-dir target/cuda` \
                       in host/probe-library";

/// An open library. As a method's, it stays open until the process ends.
pub(crate) struct OpenedProbeLibrary {
    path: PathBuf,
    root: ProbeLibraryRef,
}

/// One fit.
#[derive(Debug)]
pub(crate) struct LibraryFit {
    /// What it selected and how it went.
    pub(crate) record: Value,
    /// For each scored split, the predicted labels, `(N, P)`.
    pub(crate) predictions: Vec<Vec<f32>>,
}

impl OpenedProbeLibrary {
    /// Opens the library, and checks that it is the one that was planned, has the types of this program, and can compute on `device`.
    ///
    /// # Errors
    ///
    /// [`Error::ProbeLibrary`], with what to do.
    pub(crate) fn open(file: &ProbeLibraryFile, device: Device) -> Result<Self> {
        let ProbeLibraryFile { path, checksum } = file;
        let refuse = |reason: String| Error::ProbeLibrary { path: path.clone(), reason };
        if files::checksum(path)? != *checksum {
            return Err(refuse("it changed since this cell was planned; run the same command again".into()));
        }
        let root = lib_header_from_path(path).and_then(|header| header.init_root_module::<ProbeLibraryRef>());
        let root = root.map_err(|e| refuse(explain(&e)))?;
        if !device.is_cpu() && !root.cuda() {
            return Err(refuse(format!("it was built for the CPU alone and cannot compute on {device}; {REBUILD}")));
        }
        Ok(Self { path: path.clone(), root })
    }

    /// Fits `probe` with each of `seeds` on `device`, and predicts all of `scored`.
    ///
    /// # Errors
    ///
    /// [`Error::ProbeLibrary`] with what the library says, or if its answer is not one to the request.
    pub(crate) fn fit(
        &self,
        probe: &Probe,
        seeds: &[u64],
        device: Device,
        [train, valid]: [&LabelledEmbeddings; 2],
        scored: &[&LabelledEmbeddings],
    ) -> Result<Vec<LibraryFit>> {
        let fail = |reason: String| Error::ProbeLibrary { path: self.path.clone(), reason: plain(&reason) };
        let names: Vec<RStr<'_>> = train.labels().names.iter().map(|name| name.as_str().into()).collect();
        let probe_text = serde_json::json!(probe).to_string();
        let views: Vec<SplitView<'_>> = scored.iter().map(|split| view(split, &names)).collect();
        let request = FitRequest {
            probe: probe_text.as_str().into(),
            seeds: seeds.into(),
            gpu: match device {
                Device::Cpu => ROption::RNone,
                Device::Cuda(index) => ROption::RSome(index),
            },
            train: view(train, &names),
            valid: view(valid, &names),
            scored: views.as_slice().into(),
        };
        let fits = match (self.root.fit())(&request) {
            RResult::ROk(fits) => fits,
            RResult::RErr(reason) => return Err(fail(format!("{} probe: {reason}", probe.name()))),
        };
        if fits.len() != seeds.len() {
            return Err(fail(format!(
                "expected {} fits of the probe {}, found {}",
                seeds.len(),
                probe.name(),
                fits.len()
            )));
        }
        let read = |fit: physrep_probe_interface::Fit| {
            let lengths: Vec<usize> = fit.predictions.iter().map(|predicted| predicted.len()).collect();
            let expected: Vec<usize> = scored.iter().map(|split| split.labels().values.len()).collect();
            if lengths != expected {
                return Err(fail(format!("expected predictions of {expected:?} labels, found {lengths:?}")));
            }
            let record = serde_json::from_str(&fit.record).map_err(|e| fail(format!("its record is not JSON: {e}")))?;
            Ok(LibraryFit { record, predictions: fit.predictions.into_iter().map(Into::into).collect() })
        };
        fits.into_iter().map(read).collect()
    }
}

/// A split, borrowed; `names` are those of its parameters.
fn view<'a>(split: &'a LabelledEmbeddings, names: &'a [RStr<'a>]) -> SplitView<'a> {
    let (embeddings, labels) = (split.embeddings(), split.labels());
    SplitView {
        name: split.name().into(),
        embeddings: embeddings.values.as_slice().into(),
        tokens: embeddings.tokens,
        dim: embeddings.dim,
        labels: labels.values.as_slice().into(),
        parameters: names.into(),
        trajectory: labels.trajectory.as_slice().into(),
    }
}

/// Why a library is refused, and what to do; the full text of a wrong layout can have thousands of lines.
fn explain(error: &LibraryError) -> String {
    match error {
        LibraryError::AbiInstability(_) => format!("its types have other layouts than this physrep-bench's; {REBUILD}"),
        LibraryError::IncompatibleVersionNumber { expected_version, actual_version, .. } => {
            format!("it has version {actual_version}, this physrep-bench needs {expected_version}; {REBUILD}")
        }
        LibraryError::InvalidAbiHeader(_) | LibraryError::GetSymbolError { .. } => {
            format!("it is not a probe library of this physrep-bench; {REBUILD}")
        }
        other => format!("it cannot be opened: {}; {REBUILD}", plain(&other.to_string())),
    }
}
