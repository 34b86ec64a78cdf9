#![doc = include_str!("../../README.md")]

pub mod all;
pub mod bench;
pub mod cell;
mod checkpoint;
pub mod cli;
pub mod crates;
mod data;
pub mod device;
mod display;
mod doctor;
mod embed;
pub mod encode;
mod environment;
mod error;
pub mod events;
pub mod fetch;
mod files;
mod finetune;
pub mod health;
pub mod loader;
mod memory;
mod meter;
pub mod observe;
mod overrides;
pub mod plan;
pub mod plugin;
mod pretrain;
pub mod probe;
mod probing;
pub mod result;
pub mod show;
pub mod standings;
pub mod supervise;
pub mod table;
mod worker;

pub use error::{Error, Result};
