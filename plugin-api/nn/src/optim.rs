//! The optimizer: AdamW, with its complete state open for saving.
//!
//! To accumulate gradients over several batches, divide each loss by their number and merge the
//! gradient stores with candle's [`GradStore::extend`] before one [`AdamW::step`].

use std::collections::{BTreeMap, BTreeSet};

use candle_core::backend::BackendStorage;
use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, DType, Device, InplaceOp2, Layout, Result, Tensor, Var, bail};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::cpu::{by_dtype, slice, slice_mut};
use crate::cuda;
use crate::float::Float;
use crate::params::summary;

const OP: &str = "AdamW";
/// Elements of one task; of no influence on results.
const BLOCK: usize = 16 * 1024;

/// Numbers of AdamW; the default is PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamWConfig {
    /// Learning rate, the peak where there is a schedule: [`AdamW::step`] is told each step's.
    pub lr: f64,
    /// Decay of the running mean of gradients.
    pub beta1: f64,
    /// Decay of the running mean of their squares.
    pub beta2: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// Decoupled weight decay, for every parameter alike.
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
    /// Updates so far. Each parameter counts its own, since one that is used now and then must
    /// have its young moments corrected as young.
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

    /// Lets these parameters come without a gradient: such a step leaves them as they are.
    ///
    /// # Errors
    /// If one of them is not a parameter.
    pub fn allow_missing(mut self, names: impl IntoIterator<Item = String>) -> Result<Self> {
        for name in names {
            if !self.slots.contains_key(&name) {
                bail!("AdamW: {name} may lack a gradient, but is not a parameter");
            }
            self.optional.insert(name);
        }
        Ok(self)
    }

    /// Updates every parameter with its gradient and the learning rate `lr`.
    ///
    /// # Errors
    /// If a parameter has no gradient, which means that it is cut off from the loss (see
    /// [`allow_missing`](Self::allow_missing)). Then no parameter has been touched.
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
                 them, or an operation without a backward pass cuts them off",
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

    /// All that a later run needs to go on bit for bit, beside the parameters themselves: for
    /// every parameter `NAME` its `NAME.exp_avg`, `NAME.exp_avg_sq` and `NAME.step`.
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

    /// Takes over what [`state`](Self::state) gave.
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
            bail!("AdamW: the saved state does not fit: {}", summary(&complaints));
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
            bail!("AdamW: a gradient of shape {got:?} for a parameter of shape {want:?}");
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
        if self.var.device().is_cuda() {
            return self.step_on_gpu(gradient, &moments, &update);
        }
        self.moments.inplace_op2(gradient, &moments)?;
        self.var.inplace_op2(&self.moments, &update)
    }

    /// Both updates in one pass. Nobody else has the moments, and whoever reads the parameter does so on the device's stream.
    fn step_on_gpu(&self, gradient: &Tensor, moments: &UpdateMoments, update: &UpdateParameter) -> Result<()> {
        let rates = [1.0 - moments.beta1, moments.beta2, 1.0 - moments.beta2];
        let numbers = [update.shrink, update.rate, update.root_bias, update.eps];
        let plan = cuda::optim::adamw(OP, self.var.elem_count(), rates, numbers)?;
        cuda::in_place(&plan, &[&self.var, &self.moments, gradient])
    }
}

/// `mean += (1 - beta1) (g - mean)`, `square = beta2 square + (1 - beta2) g^2`.
struct UpdateMoments {
    beta1: f64,
    beta2: f64,
}

impl UpdateMoments {
    fn run<T: Float>(&self, moments: &mut [T], gradient: &[T]) {
        let [keep, mean_rate, square_rate] = [self.beta2, 1.0 - self.beta1, 1.0 - self.beta2].map(T::from_f64);
        let (mean, square) = moments.split_at_mut(gradient.len());
        mean.par_chunks_mut(BLOCK).zip(square.par_chunks_mut(BLOCK)).zip(gradient.par_chunks(BLOCK)).for_each(
            |((mean, square), gradient)| {
                for ((m, v), g) in mean.iter_mut().zip(square).zip(gradient) {
                    *m = *m + mean_rate * (*g - *m);
                    *v = keep * *v + square_rate * *g * *g;
                }
            },
        );
    }
}

impl InplaceOp2 for UpdateMoments {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(
        &self,
        moments: &mut CpuStorage,
        moments_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> Result<()> {
        by_dtype!(OP, moments.dtype(), T => {
            let moments = slice_mut::<T>(OP, moments, moments_layout)?;
            self.run(moments, slice(OP, gradient, gradient_layout)?);
            Ok(())
        })
    }
}

/// `p = shrink p - rate mean / (sqrt(square) / root_bias + eps)`.
struct UpdateParameter {
    shrink: f64,
    rate: f64,
    root_bias: f64,
    eps: f64,
}

impl UpdateParameter {
    fn run<T: Float>(&self, parameter: &mut [T], moments: &[T]) {
        let [shrink, rate, root_bias, eps] = [self.shrink, self.rate, self.root_bias, self.eps].map(T::from_f64);
        let (mean, square) = moments.split_at(parameter.len());
        parameter.par_chunks_mut(BLOCK).zip(mean.par_chunks(BLOCK).zip(square.par_chunks(BLOCK))).for_each(
            |(parameter, (mean, square))| {
                for (p, (m, v)) in parameter.iter_mut().zip(mean.iter().zip(square)) {
                    *p = shrink * *p - rate * *m / (Float::sqrt(*v) / root_bias + eps);
                }
            },
        );
    }
}

impl InplaceOp2 for UpdateParameter {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(
        &self,
        parameter: &mut CpuStorage,
        parameter_layout: &Layout,
        moments: &CpuStorage,
        moments_layout: &Layout,
    ) -> Result<()> {
        by_dtype!(OP, parameter.dtype(), T => {
            let parameter = slice_mut::<T>(OP, parameter, parameter_layout)?;
            self.run(parameter, slice(OP, moments, moments_layout)?);
            Ok(())
        })
    }
}
