//! What a physical system says about itself: its fields, its domain, its parameters, and how to solve it.

use serde::{Deserialize, Serialize};

use super::domain::DomainAxis;
use super::field::Field;
use crate::Result;

/// A physical parameter in which trajectories differ, and which probes estimate from representations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhysicalParameter {
    /// The name, as in The Well's files.
    pub name: &'static str,
    /// Other names under which published files hold it; shear flow's Reynolds number is `Rayleigh` in some.
    pub aliases: &'static [&'static str],
}

/// A constant of a system's equations or domain: the same in all trajectories of a data set, and a suite may set it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constant {
    /// The name.
    pub name: &'static str,
    /// The value unless a suite says otherwise (non-dimensional).
    pub default: f64,
    /// Whether The Well's files hold it, among their scalars and before the parameters.
    pub in_files: bool,
}

/// Grids of one run, `[nx, ny]` points each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// The grid on which the equations are solved.
    pub solve: [usize; 2],
    /// The grid on which frames are kept.
    pub store: [usize; 2],
}

/// One trajectory's settings: values in the order of [`System::parameters`] and [`System::initial_condition`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Physical parameters.
    pub parameters: Vec<f64>,
    /// The values that select the initial condition.
    pub initial: Vec<f64>,
}

/// The state at one time.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Time since the start (non-dimensional).
    pub time: f64,
    /// One slice for each of [`System::fields`], in that order, of shape `(nx, ny, components)`, row-major.
    pub fields: &'a [&'a [f32]],
}

/// A physical system that can be solved into trajectories.
pub trait System: Send + Sync {
    /// The name, which is also The Well's name for the data set, such as `shear_flow`.
    fn name(&self) -> &'static str;

    /// Increases whenever the same constants and [`Case`] give other values than before, so that old data is not
    /// reused.
    fn version(&self) -> u32;

    /// The two axes of the domain, `x` first, with every constant at its default.
    fn axes(&self) -> [DomainAxis; 2];

    /// The axes with `constants`, in the order of [`constants`](Self::constants), if any of them is a length.
    fn axes_with(&self, _constants: &[f64]) -> [DomainAxis; 2] {
        self.axes()
    }

    /// The fields in The Well's attribute order, scalars before vectors before tensors. This order, components
    /// innermost, is the order of channels everywhere.
    fn fields(&self) -> Vec<Field>;

    /// The channel that pictures show unless another is asked for: one that shows the effect of the parameters.
    /// The first one if the system names none.
    fn pictured_channel(&self) -> Option<&'static str> {
        None
    }

    /// The physical parameters, in the order of labels.
    fn parameters(&self) -> &'static [PhysicalParameter];

    /// The constants that a suite may set; none unless the system says otherwise.
    fn constants(&self) -> &'static [Constant] {
        &[]
    }

    /// Names of the quantities that select an initial condition.
    fn initial_condition(&self) -> &'static [&'static str];

    /// Solves one trajectory and passes `frames` frames to `on_frame`, at times `0, dt, 2 dt, ...`. `constants` are in
    /// the order of [`constants`](Self::constants).
    ///
    /// The result depends on the arguments alone, bit for bit, and not on the thread it runs on.
    ///
    /// # Errors
    /// [`Error::Simulation`](crate::Error::Simulation) if the case or the resolution cannot be solved, and whatever
    /// `on_frame` returns, at once.
    fn simulate(
        &self,
        constants: &[f64],
        case: &Case,
        resolution: &Resolution,
        frames: usize,
        dt: f64,
        on_frame: &mut dyn FnMut(&Frame<'_>) -> Result<()>,
    ) -> Result<()>;
}
