//! From a suite to windows, on an analytic system.

mod assignment;
mod constants;
mod generation;
mod hostile;
mod info;
mod official;
mod packing;
mod schema;
mod statistics;
mod suites;
mod system;
mod verify;
mod view;
mod windows;
