//! What a session is created for, as the program is told.

use std::{env, thread};

use physrep_abi::{BoundaryCondition, ChannelView, CreateArgs, Device, GeometryView};
use serde::Serialize;

/// What a session is created for.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Setup {
    pub systems: Vec<System>,
    pub context_frames: u32,
    pub future_frames: u32,
    pub batch_size: u32,
    pub pretrain_steps: u64,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Threads to compute with.
    pub threads: usize,
    pub seed: u64,
    pub scratch_dir: String,
}

/// The geometry of a system's clips.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct System {
    pub channels: Vec<Channel>,
    pub coordinates: [Vec<f64>; 2],
    pub boundaries: [&'static str; 2],
    pub time_step: f64,
}

/// One component of a physical field.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Channel {
    pub field: String,
    pub name: String,
    pub rank: u8,
    pub component: [u8; 2],
}

impl From<&CreateArgs<'_>> for Setup {
    fn from(args: &CreateArgs<'_>) -> Self {
        Self {
            systems: args.systems.iter().map(System::from).collect(),
            context_frames: args.context_frames,
            future_frames: args.future_frames,
            batch_size: args.batch_size,
            pretrain_steps: args.pretrain_steps,
            device: match args.device {
                Device::CPU => "cpu".into(),
                Device { index, .. } => format!("cuda:{index}"),
            },
            threads: threads(),
            seed: args.seed,
            scratch_dir: args.scratch_dir.to_string(),
        }
    }
}

impl From<&GeometryView<'_>> for System {
    fn from(geometry: &GeometryView<'_>) -> Self {
        Self {
            channels: geometry.channels.iter().map(Channel::from).collect(),
            coordinates: geometry.coordinates.map(|axis| axis.to_vec()),
            boundaries: geometry.boundaries.map(|condition| match condition {
                BoundaryCondition::Periodic => "periodic",
                BoundaryCondition::Wall => "wall",
                BoundaryCondition::Open => "open",
            }),
            time_step: geometry.time_step,
        }
    }
}

impl From<&ChannelView<'_>> for Channel {
    fn from(channel: &ChannelView<'_>) -> Self {
        Self {
            field: channel.field.to_string(),
            name: channel.name.to_string(),
            rank: channel.rank,
            component: channel.component,
        }
    }
}

/// The threads that methods in Rust compute with in this process.
pub(crate) fn threads() -> usize {
    let set = env::var("RAYON_NUM_THREADS").ok().and_then(|threads| threads.parse().ok());
    set.filter(|&threads| threads > 0).unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
}
