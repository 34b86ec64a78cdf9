//! Named trainable parameters: what a network is made of, and what a checkpoint holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use candle_core::{DType, Device, Result, Shape, Tensor, Var, bail};

use crate::rng::Rng;

/// How a parameter is filled before training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Every element the same.
    Const(f64),
    /// Uniform on `[-bound, bound)`.
    Uniform {
        /// Half the width of the interval.
        bound: f64,
    },
    /// Normal with mean zero.
    Normal {
        /// Standard deviation.
        std: f64,
    },
    /// Normal with mean zero, redrawn while outside `[-2, 2]`: the interval is absolute, as in
    /// `torch.nn.init.trunc_normal_`, so the usual `std` of 0.02 is hardly cut at all.
    TruncNormal {
        /// Standard deviation before truncation; at most 2, beyond which redrawing would be rare luck.
        std: f64,
    },
}

impl Init {
    /// PyTorch's default for the weights and biases of linear and convolutional layers
    /// (`kaiming_uniform_` with `a = sqrt(5)`): uniform with bound `1 / sqrt(fan_in)`, where
    /// `fan_in` is the number of inputs of one output.
    pub fn fan_in_uniform(fan_in: usize) -> Self {
        Self::Uniform { bound: 1.0 / (fan_in.max(1) as f64).sqrt() }
    }

    fn fill(self, len: usize, rng: &mut Rng) -> Result<Vec<f64>> {
        let scale = match self {
            Self::Const(value) => value,
            Self::Uniform { bound } => bound,
            Self::Normal { std } | Self::TruncNormal { std } => std,
        };
        let valid = match self {
            Self::Const(_) => scale.is_finite(),
            Self::Uniform { .. } | Self::Normal { .. } => scale.is_finite() && scale >= 0.0,
            Self::TruncNormal { .. } => (0.0..=2.0).contains(&scale),
        };
        if !valid {
            bail!("cannot initialise with {self:?}: its number is outside the range it allows");
        }
        Ok((0..len)
            .map(|_| match self {
                Self::Const(value) => value,
                Self::Uniform { bound } => bound * (2.0 * rng.uniform() - 1.0),
                Self::Normal { std } => std * rng.standard_normal(),
                Self::TruncNormal { std } => loop {
                    let value = std * rng.standard_normal();
                    if value.abs() <= 2.0 {
                        break value;
                    }
                },
            })
            .collect())
    }
}

/// The parameters of a network, seen from one module: a cheap handle on a shared store, with the
/// path of the module in front of every name.
///
/// Paths are joined with dots, so that `params.pp("encoder").pp("norm").get(.., "weight", ..)` is
/// the checkpoint's `encoder.norm.weight`. [`named`](Self::named) and [`load`](Self::load) speak
/// of names relative to this handle's path: a checkpoint of the encoder alone is loaded by
/// `params.pp("encoder").load(..)`.
///
/// Initial values depend on the seed and a parameter's full name only, not on the order in which
/// the modules are built.
#[derive(Clone)]
pub struct Params {
    store: Arc<Store>,
    path: String,
    trained: bool,
    frozen: bool,
}

struct Store {
    dtype: DType,
    device: Device,
    seed: u64,
    vars: Mutex<BTreeMap<String, Parameter>>,
}

struct Parameter {
    var: Var,
    trained: bool,
}

impl Params {
    /// An empty set of parameters of type `dtype` on `device`.
    pub fn new(dtype: DType, device: &Device, seed: u64) -> Self {
        let store = Store { dtype, device: device.clone(), seed, vars: Mutex::new(BTreeMap::new()) };
        Self { store: Arc::new(store), path: String::new(), trained: true, frozen: false }
    }

    /// The handle of the sub-module `name` (which may be an index, or a path with dots).
    pub fn pp(&self, name: impl ToString) -> Self {
        Self { path: self.full_name(&name.to_string()), ..self.clone() }
    }

    /// A handle whose parameters no gradient moves: they are saved and loaded as all others, and are not among those of
    /// [`trained`](Self::trained). See [`MovingAverage`](crate::moving_average::MovingAverage).
    pub fn untrained(&self) -> Self {
        Self { trained: false, ..self.clone() }
    }

    /// A handle for a twin of a network that was built before: it gives that network's parameters, as tensors that follow
    /// their values and that no gradient reaches. What the twin computes leaves no graph behind, and no memory in it. None of
    /// them is the twin's own: [`named`](Self::named) is empty, so that building it changes no value.
    pub fn frozen(&self) -> Self {
        Self { frozen: true, ..self.clone() }
    }

    /// The type of all parameters.
    pub fn dtype(&self) -> DType {
        self.store.dtype
    }

    /// The device of all parameters.
    pub fn device(&self) -> &Device {
        &self.store.device
    }

    /// Creates the parameter `name` and returns the tensor that follows its value; a [`frozen`](Self::frozen) handle finds it.
    ///
    /// # Errors
    /// If a parameter of this name exists already, or `init` holds a number that makes no sense; for a frozen handle, if there
    /// is none of this name and shape.
    pub fn get(&self, shape: impl Into<Shape>, name: &str, init: Init) -> Result<Tensor> {
        let shape = shape.into();
        let name = self.full_name(name);
        let mut vars = self.vars();
        if self.frozen {
            return match vars.get(&name) {
                Some(Parameter { var, .. }) if *var.shape() == shape => Ok(var.as_tensor().detach()),
                _ => bail!("the network that this one is a twin of has no parameter {name} of shape {shape:?}"),
            };
        }
        if vars.contains_key(&name) {
            bail!("parameter {name} exists already: two modules were built under one path");
        }
        let mut rng = Rng::new(self.store.seed, &format!("parameter {name}"), 0);
        let values = init.fill(shape.elem_count(), &mut rng)?;
        let values =
            Tensor::from_vec(values, shape, &Device::Cpu)?.to_dtype(self.store.dtype)?.to_device(&self.store.device)?;
        let var = Var::from_tensor(&values)?;
        let tensor = var.as_tensor().clone();
        vars.insert(name, Parameter { var, trained: self.trained });
        Ok(tensor)
    }

    /// All parameters at or below this path, sorted by name. Names are relative to the path.
    pub fn named(&self) -> Vec<(String, Var)> {
        self.below(|_| true)
    }

    /// Those of [`named`](Self::named) that an optimizer is to move.
    pub fn trained(&self) -> Vec<(String, Var)> {
        self.below(|parameter| parameter.trained)
    }

    fn below(&self, wanted: impl Fn(&Parameter) -> bool) -> Vec<(String, Var)> {
        if self.frozen {
            return Vec::new();
        }
        let prefix = self.full_name("");
        let vars = self.vars();
        let wanted = vars.iter().filter(|(_, parameter)| wanted(parameter));
        wanted
            .filter_map(|(name, parameter)| Some((name.strip_prefix(&prefix)?.to_string(), parameter.var.clone())))
            .collect()
    }

    /// Sets every parameter at or below this path; names are relative to the path, as
    /// [`named`](Self::named) gives them. Floating-point tensors are converted to the parameters'
    /// type and device.
    ///
    /// # Errors
    /// If a parameter has no tensor, a tensor no parameter, or shapes differ. Then no parameter
    /// has been touched, and the message lists the names.
    pub fn load<'a>(&self, tensors: impl IntoIterator<Item = (&'a String, &'a Tensor)>) -> Result<()> {
        let given: BTreeMap<&str, &Tensor> = tensors.into_iter().map(|(n, t)| (n.as_str(), t)).collect();
        let own = self.named();
        let known: BTreeSet<&str> = own.iter().map(|(name, _)| name.as_str()).collect();

        let missing = own.iter().filter(|(name, _)| !given.contains_key(&**name));
        let unknown = given.keys().filter(|name| !known.contains(**name));
        let mut complaints = Vec::new();
        complaints.extend(missing.map(|(name, _)| format!("{name} is missing")));
        complaints.extend(unknown.map(|name| format!("{name} is not a parameter of this network")));
        for (name, var) in &own {
            if let Some(tensor) = given.get(name.as_str()) {
                if tensor.dims() != var.dims() {
                    let (want, got) = (var.dims(), tensor.dims());
                    complaints.push(format!("{name} has shape {got:?}, expected {want:?}"));
                } else if !tensor.dtype().is_float() {
                    complaints.push(format!("{name} holds {:?}", tensor.dtype()));
                }
            }
        }
        if !complaints.is_empty() {
            let place = match self.path.as_str() {
                "" => String::new(),
                path => format!(" into {path}"),
            };
            bail!(
                "cannot load the checkpoint{place}: {} of {} parameters fit badly: {}",
                complaints.len(),
                own.len(),
                summary(&complaints)
            );
        }
        for (name, var) in &own {
            let tensor = given[name.as_str()].to_dtype(self.store.dtype)?;
            var.set(&tensor.to_device(&self.store.device)?)?;
        }
        Ok(())
    }

    fn full_name(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) }
    }

    fn vars(&self) -> MutexGuard<'_, BTreeMap<String, Parameter>> {
        // The map is valid after a panic elsewhere: it is only ever inserted into.
        self.store.vars.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// The first few of a list of complaints, and how many more there are.
pub(crate) fn summary(complaints: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text = complaints[..complaints.len().min(SHOWN)].join("; ");
    if complaints.len() > SHOWN {
        text.push_str(&format!("; and {} more", complaints.len() - SHOWN));
    }
    text
}
