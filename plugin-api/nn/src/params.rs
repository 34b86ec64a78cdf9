//! Named parameters: of a network, and of its checkpoint.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use candle_core::{DType, Device, Result, Shape, Tensor, Var, bail};

use crate::init::Init;
use crate::rng::Rng;

/// The parameters of a network, seen from one module: a cheap handle to a shared store, with the path of the module as
/// the prefix of every name.
///
/// Paths are joined with dots, so that `params.pp("encoder").pp("norm").get(.., "weight", ..)` is `encoder.norm.weight`
/// in a checkpoint. [`named`](Self::named) and [`load`](Self::load) use names relative to the path of the handle:
/// `params.pp("encoder").load(..)` loads a checkpoint of the encoder alone.
///
/// Initial values depend on the seed and the full name of the parameter alone, not on the order in which modules are
/// built.
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

    /// A handle whose parameters are not trained: they are saved and loaded like all others, but are not among those of
    /// [`trained`](Self::trained). See [`MovingAverage`](crate::MovingAverage).
    pub fn untrained(&self) -> Self {
        Self { trained: false, ..self.clone() }
    }

    /// A handle for an inference copy of a network that was built before: [`get`](Self::get) returns the parameters of
    /// that network, detached, as tensors that follow their values. The copy records no autograd graph and keeps no
    /// activations. It owns no parameters: [`named`](Self::named) is empty, and building it changes no value.
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

    /// Creates the parameter `name` and returns the tensor that follows its value; a [`frozen`](Self::frozen) handle
    /// looks it up.
    ///
    /// # Errors
    /// If a parameter of this name exists already, or `init` is out of range; for a frozen handle, if there is none of
    /// this name and shape.
    pub fn get(&self, shape: impl Into<Shape>, name: &str, init: Init) -> Result<Tensor> {
        let shape = shape.into();
        let name = self.full_name(name);
        let mut vars = self.vars();
        if self.frozen {
            return match vars.get(&name) {
                Some(Parameter { var, .. }) if *var.shape() == shape => Ok(var.as_tensor().detach()),
                _ => bail!("inference copy: the original network has no parameter {name} of shape {shape:?}"),
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

    /// Those of [`named`](Self::named) that are trained.
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
    /// If a parameter has no tensor, a tensor has no parameter, or shapes differ. Then no parameter has changed, and
    /// the message lists the names.
    pub fn load<'a>(&self, tensors: impl IntoIterator<Item = (&'a String, &'a Tensor)>) -> Result<()> {
        let given: BTreeMap<&str, &Tensor> = tensors.into_iter().map(|(n, t)| (n.as_str(), t)).collect();
        let own = self.named();
        let known: BTreeSet<&str> = own.iter().map(|(name, _)| name.as_str()).collect();

        let missing = own.iter().filter(|(name, _)| !given.contains_key(&**name));
        let missing: Vec<String> = missing.map(|(name, _)| name.clone()).collect();
        let unknown = given.keys().filter(|name| !known.contains(**name));
        let unknown: Vec<String> = unknown.map(|name| name.to_string()).collect();
        let mut misfits = Vec::new();
        for (name, var) in &own {
            if let Some(tensor) = given.get(name.as_str()) {
                if tensor.dims() != var.dims() {
                    let (want, got) = (var.dims(), tensor.dims());
                    misfits.push(format!("{name} has shape {got:?}, expected {want:?}"));
                } else if !tensor.dtype().is_float() {
                    misfits.push(format!("{name} holds {:?}", tensor.dtype()));
                }
            }
        }
        let kinds =
            [("are missing", missing), ("are not parameters of this network", unknown), ("do not fit", misfits)];
        let problems = kinds.iter().filter(|(_, names)| !names.is_empty());
        let problems: Vec<String> =
            problems.map(|(kind, names)| format!("{} {kind}: {}", names.len(), summary(names))).collect();
        if !problems.is_empty() {
            let place = match self.path.as_str() {
                "" => String::new(),
                path => format!(" into {path}"),
            };
            bail!(
                "cannot load the checkpoint{place}: expected {} parameters, found {} tensors, of which some do not match. {}",
                own.len(),
                given.len(),
                problems.join(". ")
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
        // A panic in another thread cannot leave the map invalid: it is only inserted into.
        self.store.vars.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// The first few of a list of problems, and the number of the rest.
pub(crate) fn summary(problems: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text = problems[..problems.len().min(SHOWN)].join("; ");
    if problems.len() > SHOWN {
        text.push_str(&format!("; and {} more", problems.len() - SHOWN));
    }
    text
}
