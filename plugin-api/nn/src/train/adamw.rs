//! The optimizer: AdamW, whose complete state can be saved.
//!
//! To accumulate gradients over several batches, divide each loss by their number and merge the gradient stores with
//! candle's [`GradStore::extend`] before one [`AdamW::step`].

use std::collections::{BTreeMap, BTreeSet};

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Result, Tensor, Var, bail};
use serde::{Deserialize, Serialize};

use crate::cpu::adamw::{UpdateMoments, UpdateParameter};
use crate::ops::adamw::adamw_step;
use crate::params::summary;

/// The hyperparameters of AdamW; the default is that of PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamWConfig {
    /// Learning rate; with a schedule, its peak. [`AdamW::step`] takes the rate of each step.
    pub lr: f64,
    /// Decay of the running mean of gradients.
    pub beta1: f64,
    /// Decay of the running mean of squared gradients.
    pub beta2: f64,
    /// Added to the denominator of the update.
    pub eps: f64,
    /// Decoupled weight decay, the same for all parameters.
    pub weight_decay: f64,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 }
    }
}

/// Adam with decoupled weight decay (Loshchilov & Hutter, ICLR 2019), for all parameters of a
/// network.
pub struct AdamW {
    config: AdamWConfig,
    slots: BTreeMap<String, Slot>,
    /// Parameters that may come without a gradient.
    optional: BTreeSet<String>,
}

struct Slot {
    var: Var,
    /// Running means of the gradient and of its square, `(2, elements)`.
    moments: Tensor,
    /// Updates so far, counted per parameter: the bias correction of a parameter that is used only now and then depends
    /// on its own updates.
    steps: u32,
}

impl AdamW {
    /// An optimizer for `parameters`, as [`Params::named`](crate::Params::named) lists them.
    pub fn new(parameters: Vec<(String, Var)>, config: AdamWConfig) -> Result<Self> {
        let AdamWConfig { lr, beta1, beta2, eps, weight_decay } = config;
        let decays = [beta1, beta2].iter().all(|b| (0.0..1.0).contains(b));
        let others = [lr, eps, weight_decay];
        if !decays || !others.iter().all(|v| v.is_finite() && *v >= 0.0) {
            bail!(
                "AdamW: expected betas in [0, 1), and lr, eps and weight_decay not negative; got \
                 {config:?}"
            );
        }
        let mut slots = BTreeMap::new();
        for (name, var) in parameters {
            let moments = Tensor::zeros((2, var.elem_count()), var.dtype(), var.device())?;
            let slot = Slot { var, moments, steps: 0 };
            slots.insert(name, slot);
        }
        Ok(Self { config, slots, optional: BTreeSet::new() })
    }

    /// Allows these parameters to have no gradient in a step, which then leaves them unchanged.
    ///
    /// # Errors
    /// If one of them is not a parameter.
    pub fn allow_missing(mut self, names: impl IntoIterator<Item = String>) -> Result<Self> {
        for name in names {
            if !self.slots.contains_key(&name) {
                bail!("AdamW: {name} was allowed to have no gradient, but is not a parameter");
            }
            self.optional.insert(name);
        }
        Ok(self)
    }

    /// Updates every parameter with its gradient and the learning rate `lr`.
    ///
    /// # Errors
    /// If a parameter has no gradient, since the loss does not depend on it (see
    /// [`allow_missing`](Self::allow_missing)). Then no parameter has changed.
    pub fn step(&mut self, gradients: &GradStore, lr: f64) -> Result<()> {
        let cut_off: Vec<String> = self
            .slots
            .iter()
            .filter(|(name, slot)| gradients.get(&slot.var).is_none() && !self.optional.contains(*name))
            .map(|(name, _)| name.clone())
            .collect();
        if !cut_off.is_empty() {
            bail!(
                "AdamW: {} of {} parameters have no gradient: {}. The loss does not depend on \
                 them, or an operation without a backward pass cuts the graph",
                cut_off.len(),
                self.slots.len(),
                summary(&cut_off)
            );
        }
        for slot in self.slots.values_mut() {
            if let Some(gradient) = gradients.get(&slot.var) {
                slot.step(&gradient.contiguous()?, lr, &self.config)?;
            }
        }
        Ok(())
    }

    /// The state that a run needs, with the parameters, to resume bit for bit: `NAME.exp_avg`, `NAME.exp_avg_sq` and
    /// `NAME.step` for every parameter `NAME`.
    pub fn state(&self) -> Result<BTreeMap<String, Tensor>> {
        let mut state = BTreeMap::new();
        for (name, slot) in &self.slots {
            let shape = slot.var.shape();
            let steps = Tensor::new(slot.steps, &Device::Cpu)?;
            let [mean, square] = [0, 1].map(|i| slot.moments.get(i)?.copy()?.reshape(shape.clone()));
            state.insert(format!("{name}.exp_avg"), mean?);
            state.insert(format!("{name}.exp_avg_sq"), square?);
            state.insert(format!("{name}.step"), steps);
        }
        Ok(state)
    }

    /// Restores a [`state`](Self::state).
    ///
    /// # Errors
    /// If an entry is missing, unknown, or has another shape or type. Then nothing has changed.
    pub fn load_state(&mut self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        let mut complaints = Vec::new();
        let mut expected = BTreeSet::new();
        for (name, slot) in &self.slots {
            for (suffix, dims, dtype) in [
                ("exp_avg", slot.var.dims(), slot.var.dtype()),
                ("exp_avg_sq", slot.var.dims(), slot.var.dtype()),
                ("step", &[][..], DType::U32),
            ] {
                let key = format!("{name}.{suffix}");
                match state.get(&key) {
                    None => complaints.push(format!("{key} is missing")),
                    Some(t) if t.dims() != dims || t.dtype() != dtype => {
                        complaints.push(format!("{key} is {:?} {:?}, expected {dtype:?} {dims:?}", t.dtype(), t.dims()))
                    }
                    Some(_) => {}
                }
                expected.insert(key);
            }
        }
        let unknown = state.keys().filter(|key| !expected.contains(*key));
        complaints.extend(unknown.map(|key| format!("{key} belongs to no parameter")));
        if !complaints.is_empty() {
            bail!("AdamW: the saved state does not fit the parameters: {}", summary(&complaints));
        }
        for (name, slot) in &mut self.slots {
            let [mean, square] = ["exp_avg", "exp_avg_sq"].map(|s| state[&format!("{name}.{s}")].flatten_all());
            slot.moments = Tensor::stack(&[mean?, square?], 0)?.to_device(slot.moments.device())?;
            slot.steps = state[&format!("{name}.step")].to_scalar()?;
        }
        Ok(())
    }
}

impl Slot {
    fn step(&mut self, gradient: &Tensor, lr: f64, config: &AdamWConfig) -> Result<()> {
        let AdamWConfig { beta1, beta2, .. } = *config;
        if gradient.dims() != self.var.dims() {
            let (want, got) = (self.var.dims(), gradient.dims());
            bail!("AdamW: expected a gradient of shape {want:?}, as its parameter, got {got:?}");
        }
        self.steps += 1;
        let bias1 = 1.0 - beta1.powi(self.steps as i32);
        let bias2 = 1.0 - beta2.powi(self.steps as i32);
        let moments = UpdateMoments { beta1, beta2 };
        let update = UpdateParameter {
            shrink: 1.0 - lr * config.weight_decay,
            rate: lr / bias1,
            root_bias: bias2.sqrt(),
            eps: config.eps,
        };
        adamw_step(&self.var, &self.moments, gradient, &moments, &update)
    }
}
