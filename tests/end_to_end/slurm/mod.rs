//! Runs as jobs of a real Slurm, which Debian's packages bring up on this machine.

mod cluster;
mod faults;
mod submitting;
