//! Weights in a saved state, changed one by one, and what that does to the loss.

use std::collections::BTreeMap;

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::{
    setting::Setting,
    subject::{Failure, Subject},
};

/// How many parameters are measured at most; of more, every second, third and so on is.
const MOST: usize = 24;

/// The tensors of a saved state.
pub(crate) struct Weights(BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>);

impl Weights {
    /// The tensors of a safetensors file.
    pub(crate) fn of(state: &[u8]) -> Result<Self, Failure> {
        let file = SafeTensors::deserialize(state)
            .map_err(|e| Failure::new(format!("the saved state is no safetensors file: {e}")))?;
        let tensors = file
            .iter()
            .map(|(name, tensor)| (name.to_owned(), (tensor.dtype(), tensor.shape().to_vec(), tensor.data().to_vec())));
        Ok(Self(tensors.collect()))
    }

    /// A safetensors file of the tensors.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, Failure> {
        let invalid =
            |e: safetensors::SafeTensorError| Failure::new(format!("the changed state cannot be written: {e}"));
        let views = self.0.iter().map(|(name, (dtype, shape, data))| {
            Ok((name.as_str(), TensorView::new(*dtype, shape.clone(), data).map_err(invalid)?))
        });
        safetensors::serialize(views.collect::<Result<Vec<_>, Failure>>()?, None).map_err(invalid)
    }

    /// Adds a number to all values of a parameter.
    pub(crate) fn shift(&mut self, name: &str, by: f32) -> Result<(), Failure> {
        self.change(name, |_, value| value + by)
    }

    /// Changes a parameter so that nothing but disuse hides it: neither a shift nor a scale alone.
    pub(crate) fn distort(&mut self, name: &str) -> Result<(), Failure> {
        self.change(name, |index, value| 1.5 * value + if index.is_multiple_of(2) { 0.3 } else { -0.2 })
    }

    /// The values of a tensor of f32 or f64, if there is one of that name.
    fn values(&self, name: &str) -> Option<Vec<f32>> {
        let (dtype, _, data) = self.0.get(name)?;
        match dtype {
            Dtype::F32 => Some(data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()),
            Dtype::F64 => Some(data.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32).collect()),
            _ => None,
        }
    }

    /// Removes what earlier steps left of their gradients, so that the next step's are the only ones.
    fn forget_gradients(&mut self, names: &[String]) {
        for name in names {
            self.0.remove(&accumulated(name));
            self.0.entry(first_moment(name)).and_modify(|(_, _, data)| data.fill(0));
        }
    }

    /// A multiple of the gradient of the only step since [`forget_gradients`](Self::forget_gradients), the same for all parameters.
    fn gradient(&self, name: &str) -> Option<Vec<f64>> {
        let values = self.values(&accumulated(name)).or_else(|| self.values(&first_moment(name)))?;
        Some(values.into_iter().map(f64::from).collect())
    }

    fn change(&mut self, name: &str, to: impl Fn(usize, f32) -> f32) -> Result<(), Failure> {
        let values = self.values(name).ok_or_else(|| {
            Failure::new(format!(
                "the saved state has no tensor `{name}` of f32 or f64, though there is such a parameter"
            ))
        })?;
        let changed = values.iter().enumerate().map(|(index, &value)| to(index, value));
        self.0.entry(name.to_owned()).and_modify(|(dtype, _, data)| {
            *data = match dtype {
                Dtype::F64 => changed.flat_map(|value| f64::from(value).to_le_bytes()).collect(),
                _ => changed.flat_map(f32::to_le_bytes).collect(),
            }
        });
        Ok(())
    }
}

/// Where the SDK saves the first moment of a parameter's gradient.
fn first_moment(parameter: &str) -> String {
    format!("@optimizer.{parameter}.exp_avg")
}

/// Where the SDK saves the sum of a parameter's gradients since the last update.
fn accumulated(parameter: &str) -> String {
    format!("@gradient.{parameter}")
}

/// The derivative of the loss along the first moment of a parameter, in units of that moment's length.
pub(crate) struct Derivative {
    /// The parameter.
    pub(crate) name: String,
    /// The length of its first moment: the gradient's, times a factor that all parameters share.
    moment: f64,
    /// The finite difference along the moment.
    difference: f64,
    /// How far off the finite difference may be, by round-off and curvature.
    noise: f64,
}

impl Derivative {
    /// Whether the finite difference says anything.
    pub(crate) fn is_above_noise(&self) -> bool {
        self.difference.abs() > 20.0 * self.noise
    }

    /// The finite difference by the moment.
    pub(crate) fn ratio(&self) -> f64 {
        self.difference / self.moment
    }
}

/// The derivatives of the loss along the gradient of each parameter, after a few steps; none if the saved state has no moments.
pub(crate) fn derivatives(subject: &dyn Subject, setting: &Setting) -> Result<Option<Vec<Derivative>>, Failure> {
    let mut session = setting.open(subject)?;
    let batch = setting.batch(1);
    // Some steps first: at initialisation many gradients are zero.
    setting.train(&mut *session, 0..5)?;
    let names: Vec<String> = session.parameters()?.into_iter().map(|parameter| parameter.name).collect();
    let mut before = Weights::of(&session.save()?)?;
    before.forget_gradients(&names);
    let start = before.to_bytes()?;
    session.load(&start)?;
    session.pretrain_step(&batch, 0)?;
    let after = Weights::of(&session.save()?)?;
    let mut found = Vec::new();
    for name in names.iter().step_by(names.len().div_ceil(MOST)).cloned() {
        let Some(moment) = after.gradient(&name) else { continue };
        let length = moment.iter().map(|value| value * value).sum::<f64>().sqrt();
        if length == 0.0 {
            continue;
        }
        let values = before.values(&name).unwrap_or_default();
        let size = values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
        let largest = 2e-2 * size.max(0.02 * (values.len() as f64).sqrt());
        let mut slope = |step: f64| -> Result<(f64, f64), Failure> {
            let mut loss = |step: f64| {
                let mut weights = Weights::of(&start)?;
                weights.change(&name, |index, value| value + (step * moment[index] / length) as f32)?;
                session.load(&weights.to_bytes()?)?;
                session.pretrain_step(&batch, 0)
            };
            let (up, down) = (loss(step)?, loss(-step)?);
            Ok(((up - down) / (2.0 * step), f64::from(f32::EPSILON) * up.abs().max(down.abs()) / step))
        };
        // Large steps see the loss's curvature, small ones its round-off: the two neighbours that agree best are taken.
        let slopes = [1.0, 4.0, 16.0, 64.0].map(|divisor| slope(largest / divisor));
        let slopes: Vec<(f64, f64)> = slopes.into_iter().collect::<Result<_, _>>()?;
        let estimate = |pair: &[(f64, f64)]| {
            let ((coarse, _), (fine, round_off)) = (pair[0], pair[1]);
            // The sum without the cubic term of the loss.
            ((16.0 * fine - coarse) / 15.0, round_off + (fine - coarse).abs())
        };
        let best = slopes.windows(2).map(estimate).min_by(|one, other| one.1.total_cmp(&other.1));
        let Some((difference, noise)) = best else { continue };
        found.push(Derivative { name, moment: length, difference, noise });
    }
    Ok((!found.is_empty()).then_some(found))
}
