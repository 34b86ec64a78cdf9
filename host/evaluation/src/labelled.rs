//! The probes' input: the embeddings and labels of one split, checked once.

use physrep_statistics::Labels;

use crate::error::{Error, Result};

/// Embeddings of one split.
#[derive(Clone, Debug, PartialEq)]
pub struct Embeddings {
    /// `(N, tokens, dim)`, row-major.
    pub values: Vec<f32>,
    /// The number of windows, N.
    pub n: usize,
    /// Tokens per window.
    pub tokens: usize,
    /// Dimensions of a token.
    pub dim: usize,
}

impl Embeddings {
    /// The mean over each window's tokens, `(N, dim)` row-major.
    pub fn mean_pooled(&self) -> Vec<f64> {
        let mut pooled = vec![0.0; self.n * self.dim];
        let windows = self.values.chunks_exact(self.tokens * self.dim);
        for (mean, window) in pooled.chunks_exact_mut(self.dim).zip(windows) {
            for token in window.chunks_exact(self.dim) {
                for (sum, &value) in mean.iter_mut().zip(token) {
                    *sum += f64::from(value);
                }
            }
            mean.iter_mut().for_each(|sum| *sum /= self.tokens as f64);
        }
        pooled
    }
}

/// The embeddings and labels of one split, checked to be non-empty, of consistent shape and finite.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledEmbeddings {
    name: String,
    embeddings: Embeddings,
    labels: Labels,
}

impl LabelledEmbeddings {
    /// Checks embeddings and labels of the split called `name`, such as `train`, which errors mention.
    ///
    /// # Errors
    /// If there is no window, token or parameter, if a length contradicts its shape, or if a value is not finite.
    pub fn new(name: impl Into<String>, embeddings: Embeddings, labels: Labels) -> Result<Self> {
        let name = name.into();
        check_shape(&name, &embeddings, &labels)?;
        let (width, parameters) = (embeddings.tokens * embeddings.dim, labels.names.len());
        check_finite(&name, "embedding", &embeddings.values, width, &labels.trajectory)?;
        check_finite(&name, "label", &labels.values, parameters, &labels.trajectory)?;
        Ok(Self { name, embeddings, labels })
    }

    /// The split's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The embeddings.
    pub fn embeddings(&self) -> &Embeddings {
        &self.embeddings
    }

    /// The labels.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The number of windows, N.
    pub fn n(&self) -> usize {
        self.embeddings.n
    }

    /// The number of parameters, P.
    pub fn parameters(&self) -> usize {
        self.labels.names.len()
    }
}

fn check_shape(split: &str, embeddings: &Embeddings, labels: &Labels) -> Result<()> {
    let mismatch =
        |what, expected: String, found: String| Err(Error::Shape { split: split.to_owned(), what, expected, found });
    let Embeddings { ref values, n, tokens, dim } = *embeddings;
    if n == 0 || tokens == 0 || dim == 0 {
        return mismatch(
            "shape of the embeddings (N, tokens, dim)",
            "no zero".into(),
            format!("({n}, {tokens}, {dim})"),
        );
    }
    if n.checked_mul(tokens).and_then(|product| product.checked_mul(dim)) != Some(values.len()) {
        let expected = format!("N x tokens x dim = {n} x {tokens} x {dim}");
        return mismatch("number of embedding values", expected, values.len().to_string());
    }
    let parameters = labels.names.len();
    if parameters == 0 {
        return mismatch("parameters to estimate", "at least one".into(), "none".into());
    }
    if labels.trajectory.len() != n {
        return mismatch("number of trajectory indices", format!("N = {n}"), labels.trajectory.len().to_string());
    }
    if n.checked_mul(parameters) != Some(labels.values.len()) {
        let expected = format!("N x parameters = {n} x {parameters}");
        return mismatch("number of label values", expected, labels.values.len().to_string());
    }
    Ok(())
}

fn check_finite(split: &str, what: &'static str, values: &[f32], width: usize, trajectory: &[u32]) -> Result<()> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(index) => Err(Error::NotFinite {
            split: split.to_owned(),
            what,
            row: index / width,
            trajectory: trajectory[index / width],
            found: values[index],
        }),
    }
}

/// Refuses a validation split whose parameters are not those of the training split.
pub(crate) fn check_same_parameters(train: &LabelledEmbeddings, valid: &LabelledEmbeddings) -> Result<()> {
    if train.labels.names == valid.labels.names {
        return Ok(());
    }
    Err(Error::Mismatch {
        split: valid.name.clone(),
        reference: train.name.clone(),
        what: "parameters",
        expected: format!("{:?}", train.labels.names),
        found: format!("{:?}", valid.labels.names),
    })
}

/// Refuses a split whose tokens differ in width from those that a probe was fitted on.
pub(crate) fn check_dim(dim: usize, split: &LabelledEmbeddings) -> Result<()> {
    if split.embeddings.dim == dim {
        return Ok(());
    }
    Err(Error::Mismatch {
        split: split.name.clone(),
        reference: "train".into(),
        what: "width of a token",
        expected: dim.to_string(),
        found: split.embeddings.dim.to_string(),
    })
}
