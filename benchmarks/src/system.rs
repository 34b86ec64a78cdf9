//! What a physical system says about itself: its fields, its domain, its parameters, and how to solve it.
//!
//! Everything else in the crate knows a system through [`System`] only.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::Result;

/// The tensor rank of a field on a two-dimensional domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rank {
    /// One component.
    Scalar,
    /// Two components, `x` and `y`.
    Vector,
    /// Four components, row-major: `xx`, `xy`, `yx`, `yy`.
    Tensor,
}

impl Rank {
    /// All ranks, in the order of their order.
    pub const ALL: [Self; 3] = [Self::Scalar, Self::Vector, Self::Tensor];

    /// The order of the tensor: 0, 1 or 2, the digit in The Well's `t0_fields`, `t1_fields` and `t2_fields`.
    pub fn order(self) -> usize {
        match self {
            Self::Scalar => 0,
            Self::Vector => 1,
            Self::Tensor => 2,
        }
    }

    /// Number of components: 1, 2 or 4.
    pub fn components(self) -> usize {
        1 << self.order()
    }

    /// The suffixes that make channel names of a field's name: `velocity_x`, `D_xy`; none for a scalar.
    pub fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Scalar => &[""],
            Self::Vector => &["_x", "_y"],
            Self::Tensor => &["_xx", "_xy", "_yx", "_yy"],
        }
    }
}

/// A field of a system: a name and a tensor rank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The name, as in The Well's files.
    pub name: String,
    /// The tensor rank.
    pub rank: Rank,
}

impl Field {
    /// A field of the given name and rank.
    pub fn new(name: impl Into<String>, rank: Rank) -> Self {
        Self { name: name.into(), rank }
    }
}

/// What holds at the two ends of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Boundary {
    /// The domain repeats.
    Periodic,
    /// A wall.
    Wall,
    /// Open to the outside.
    Open,
}

/// Where the points of a grid lie along an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Points {
    /// Evenly spaced from the start on, the far end left out: `start + j length / n`.
    #[default]
    Uniform,
    /// Chebyshev-Gauss nodes, dense at both ends and on neither: `start + length (1 - cos(pi (j + 1/2) / n)) / 2`.
    ChebyshevGauss,
}

/// One spatial axis of a system's domain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// The name, `x` or `y`.
    pub name: String,
    /// The coordinate at which the domain begins (non-dimensional).
    pub start: f64,
    /// The extent of the domain (non-dimensional).
    pub length: f64,
    /// What holds at its ends.
    pub boundary: Boundary,
    /// Where grid points lie.
    pub points: Points,
}

impl Axis {
    /// Positions of `n` grid points (non-dimensional).
    pub fn coordinates(&self, n: usize) -> Vec<f64> {
        let place = |j: usize| match self.points {
            Points::Uniform => j as f64 / n as f64,
            Points::ChebyshevGauss => 0.5 - 0.5 * (PI * (j as f64 + 0.5) / n as f64).cos(),
        };
        (0..n).map(|j| self.start + self.length * place(j)).collect()
    }
}

/// A physical parameter that trajectories differ in, and that representations are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The name, as in The Well's files.
    pub name: &'static str,
    /// Other names under which published files hold it; shear flow's Reynolds number is called `Rayleigh` in some.
    pub aliases: &'static [&'static str],
}

/// A number of a system's equations or domain that is the same in all trajectories of a data set, and that a suite may set.
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
    /// What picks the initial condition.
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

    /// Rises whenever the same constants and [`Case`] give other numbers than before, so that old data is not taken for new.
    fn version(&self) -> u32;

    /// The two axes of the domain, `x` first, with every constant at its default.
    fn axes(&self) -> [Axis; 2];

    /// The axes with `constants`, in the order of [`constants`](Self::constants), if any of them is a length.
    fn axes_with(&self, _constants: &[f64]) -> [Axis; 2] {
        self.axes()
    }

    /// The fields in The Well's attribute order, scalars before vectors before tensors. This order, components
    /// innermost, is the order of channels everywhere.
    fn fields(&self) -> Vec<Field>;

    /// The channel that pictures show where nothing else is asked for; the first one by default.
    fn shown_channel(&self) -> Option<&'static str> {
        None
    }

    /// The physical parameters, in the order of labels.
    fn parameters(&self) -> &'static [Parameter];

    /// The constants that a suite may set; none unless the system says otherwise.
    fn constants(&self) -> &'static [Constant] {
        &[]
    }

    /// Names of the numbers that pick an initial condition.
    fn initial_condition(&self) -> &'static [&'static str];

    /// Solves one trajectory and hands over `frames` frames at times `0, dt, 2 dt, ...`. `constants` are in the order of
    /// [`constants`](Self::constants).
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
