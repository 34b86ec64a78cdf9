#![doc = include_str!("../README.md")]

mod device;
mod export;
mod fit;
mod split;
