//! The process of a method. It opens the method's library and has its session; the process of the cell has the data, the labels, the
//! probes and the record.
//!
//! Clips cross in shared memory, everything else in two pipes, and what comes back is checked like the input of a stranger. Before the
//! library is opened the process is confined to what a method needs.

mod client;
mod frames;
mod incoming;
mod metric;
mod requests;
mod serve;

pub(crate) use client::MethodProcess;
pub(crate) use metric::Metric;
pub(crate) use requests::ParameterFacts;
pub use serve::serve_in_this_process;
