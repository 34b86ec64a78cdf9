//! Suites, data and solvers, through the crate's public interface.

mod support;

/// From a suite to windows, on an analytic system.
mod data {
    mod constants;
    mod crops;
    mod generation;
    mod info;
    mod noise;
    mod packing;
    mod statistics;
    mod suites;
    mod trajectories;
    mod verify_data_set;
    mod verify_file;
    mod well_format;
    mod well_hostile;
    mod well_official;
    mod windows;
}

/// Solvers against theory, and the trajectories that they give.
mod systems {
    mod active_matter {
        mod solver;
        mod trajectory;
    }
    mod rayleigh_benard {
        mod linear;
        mod solver;
        mod trajectory;
    }
    mod shear_flow {
        mod instability;
        mod solver;
        mod trajectory;
    }
}
