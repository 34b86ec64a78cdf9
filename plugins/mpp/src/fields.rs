//! The fields of all systems, and which of them each system has.

use physrep_plugin_api::{
    Geometry,
    candle_core::{Device, Result, Tensor},
};

/// The vocabulary of field names: one entry for every distinct channel name, in the order of first appearance.
pub struct Fields {
    count: usize,
    columns: Vec<Tensor>,
}

impl Fields {
    /// The vocabulary of `systems`.
    pub fn new(systems: &[Geometry], device: &Device) -> Result<Self> {
        let mut names: Vec<&str> = Vec::new();
        let mut columns = Vec::with_capacity(systems.len());
        for system in systems {
            let mut of_system = Vec::with_capacity(system.channels.len());
            for channel in &system.channels {
                let known = names.iter().position(|name| *name == channel.name);
                of_system.push(known.unwrap_or(names.len()) as u32);
                if known.is_none() {
                    names.push(&channel.name);
                }
            }
            columns.push(Tensor::new(of_system, device)?);
        }
        Ok(Self { count: names.len(), columns })
    }

    /// The number of names.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The entry of each of a system's channels, `(C)`.
    pub fn of(&self, system: usize) -> &Tensor {
        &self.columns[system]
    }
}
