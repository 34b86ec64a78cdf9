//! From a suite to windows, on an analytic system.

mod assignment;
mod generation;
mod hostile;
mod official;
mod packing;
mod schema;
mod statistics;
mod suites;
mod system;
mod view;
mod windows;
