#![doc = include_str!("../README.md")]
#![deny(missing_docs)]
#![cfg(unix)]

pub mod answer;
pub mod array;
mod arrays_file;
mod config;
mod exchange;
mod export;
mod failure;
mod log_tail;
mod program;
mod python;
mod request;
mod session;
mod setup;
mod state;
mod tables;
