//! The scalar that a picture shows at each point: a component of a field, or a quantity derived from one.

use physrep_benchmarks::systems::{Boundary, DomainAxis, Field, Rank, System};

use crate::error::{Error, Result};

/// A scalar derived from one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// Its name, by which it is requested.
    pub name: String,
    /// The field that it is derived from.
    pub field: String,
    rank: Rank,
    take: Take,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Take {
    Component(usize),
    /// The length of a vector.
    Magnitude,
    /// The difference of a symmetric tensor's eigenvalues, `sqrt((xx - yy)^2 + (xy + yx)^2)`: how far it is from isotropic.
    Anisotropy,
    /// `d v_y / dx - d v_x / dy` of a vector.
    Curl,
}

impl Quantity {
    /// The quantity with this name, or the one that pictures of the system show by default.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if the system has no such quantity; the message lists those that it has.
    pub fn of(system: &dyn System, name: Option<&str>) -> Result<Self> {
        Self::find(system.name(), &system.fields(), name.or(system.pictured_channel()))
    }

    /// The quantity with this name, or the first one.
    fn find(system: &str, fields: &[Field], name: Option<&str>) -> Result<Self> {
        let all = Self::all(fields);
        let found = match name {
            Some(name) => all.iter().find(|quantity| quantity.name == name),
            None => all.first(),
        };
        found.cloned().ok_or_else(|| {
            let known: Vec<_> = all.iter().map(|quantity| quantity.name.as_str()).collect();
            let name = name.unwrap_or("any");
            Error::Usage(format!("{system}: expected one of the fields {}; found {name}", known.join(", ")))
        })
    }

    /// All quantities of the fields: their channels, the magnitude of a vector and the anisotropy of a tensor under the name of the
    /// field, and the vorticity of `velocity`.
    fn all(fields: &[Field]) -> Vec<Self> {
        let mut all = Vec::new();
        for Field { name, rank } in fields {
            let mut add =
                |called: String, take| all.push(Self { name: called, field: name.clone(), rank: *rank, take });
            for (component, suffix) in rank.suffixes().iter().enumerate() {
                add(format!("{name}{suffix}"), Take::Component(component));
            }
            match rank {
                Rank::Scalar => {}
                Rank::Vector => add(name.clone(), Take::Magnitude),
                Rank::Tensor => add(name.clone(), Take::Anisotropy),
            }
            if *rank == Rank::Vector && name == "velocity" {
                add("vorticity".into(), Take::Curl);
            }
        }
        all
    }

    /// The quantity, `(nx, ny)` row-major, of the field's values `(nx, ny, components)` on the grid `[nx, ny]`.
    pub fn evaluate(&self, values: &[f32], [nx, ny]: [usize; 2], axes: &[DomainAxis; 2]) -> Vec<f32> {
        let points = values.chunks_exact(self.rank.components());
        match self.take {
            Take::Component(component) => points.map(|v| v[component]).collect(),
            Take::Magnitude => points.map(|v| v[0].hypot(v[1])).collect(),
            Take::Anisotropy => points.map(|v| (v[0] - v[3]).hypot(v[1] + v[2])).collect(),
            Take::Curl => {
                let (across, along) = (Differences::new(&axes[0], nx), Differences::new(&axes[1], ny));
                let at = |i: usize, j: usize, component: usize| f64::from(values[2 * (i * ny + j) + component]);
                let curl = |i, j| across.of(i, |i| at(i, j, 1)) - along.of(j, |j| at(i, j, 0));
                (0..nx * ny).map(|p| curl(p / ny, p % ny) as f32).collect()
            }
        }
    }
}

/// First derivatives along an axis by differences between neighbours, one-sided at ends that are not periodic.
struct Differences {
    coordinates: Vec<f64>,
    period: Option<f64>,
}

impl Differences {
    fn new(axis: &DomainAxis, n: usize) -> Self {
        let period = (axis.boundary == Boundary::Periodic).then_some(axis.length);
        Self { coordinates: axis.coordinates(n), period }
    }

    fn of(&self, j: usize, f: impl Fn(usize) -> f64) -> f64 {
        let n = self.coordinates.len();
        let (before, after, wrapped) = match self.period {
            Some(length) => {
                let wraps = usize::from(j == 0) + usize::from(j == n - 1);
                ((j + n - 1) % n, (j + 1) % n, length * wraps as f64)
            }
            None => (j.saturating_sub(1), (j + 1).min(n - 1), 0.0),
        };
        (f(after) - f(before)) / (self.coordinates[after] - self.coordinates[before] + wrapped)
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use physrep_benchmarks::systems::Points;

    use super::*;

    fn axes() -> [DomainAxis; 2] {
        let axis =
            |name: &str, boundary, points| DomainAxis { name: name.into(), start: 0.0, length: 1.0, boundary, points };
        [axis("x", Boundary::Periodic, Points::Uniform), axis("y", Boundary::Wall, Points::ChebyshevGauss)]
    }

    fn fields() -> Vec<Field> {
        vec![Field::new("heat", Rank::Scalar), Field::new("velocity", Rank::Vector), Field::new("D", Rank::Tensor)]
    }

    #[test]
    fn the_curl_is_that_of_the_field_on_a_grid_with_walls() {
        let (nx, ny) = (64, 48);
        let (x, y) = (axes()[0].coordinates(nx), axes()[1].coordinates(ny));
        let values: Vec<f32> =
            (0..nx * ny).flat_map(|p| [y[p % ny].powi(2), (TAU * x[p / ny]).sin()].map(|v| v as f32)).collect();
        let vorticity = Quantity::find("any", &fields(), Some("vorticity")).expect("there");
        for (p, found) in vorticity.evaluate(&values, [nx, ny], &axes()).into_iter().enumerate() {
            let expected = TAU * (TAU * x[p / ny]).cos() - 2.0 * y[p % ny];
            assert!((f64::from(found) - expected).abs() < 0.05, "{found} for {expected} at {p}");
        }
    }

    #[test]
    fn names_are_channels_and_invariants() {
        let of = |name| Quantity::find("any", &fields(), Some(name));
        assert_eq!(of("velocity").expect("there").evaluate(&[3.0, -4.0], [1, 1], &axes()), [5.0]);
        // A director at 30 degrees with order 0.8: D = 1/2 + 0.8 (pp - 1/2).
        let (c, s) = (60f32.to_radians().cos() * 0.4, 60f32.to_radians().sin() * 0.4);
        let tensor = [0.5 + c, s, s, 0.5 - c];
        assert!((of("D").expect("there").evaluate(&tensor, [1, 1], &axes())[0] - 0.8).abs() < 1e-6);
        assert_eq!(of("D_yx").expect("there").evaluate(&tensor, [1, 1], &axes()), [s]);
        assert_eq!(Quantity::find("any", &fields(), None).expect("a first").name, "heat");
        let system = physrep_benchmarks::systems::named("active_matter").expect("a system");
        assert_eq!(Quantity::of(system, None).expect("a default").name, "D_xx");
        let error = of("salt").expect_err("no such field").to_string();
        assert!(error.contains("heat, velocity_x, velocity_y, velocity, vorticity, D_xx"), "{error}");
    }
}
