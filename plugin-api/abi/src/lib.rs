//! What crosses the boundary between physrep-bench and a method's dynamic library: types, and nothing else.
//!
//! Host and plugin may be built by different compilers, at different times, against different versions of candle, so
//! only `repr(C)` types whose layout [`abi_stable`] checks at load are exchanged. Plugin authors never see this crate;
//! they write against `physrep-plugin-api`, which implements it.
//!
//! # How a library is accepted
//!
//! 1. The host opens the file and looks up one plain C function, [`VERSION_SYMBOL`], of type [`VersionFn`]. A library
//!    without it is not a plugin; one with another major version is refused.
//! 2. abi_stable compares the layout of [`Root`], the root module. It has two fields and is frozen for ever.
//! 3. Everything that may grow stands behind [`Root::interface`], a query by name and version. Its answer carries the
//!    layout that the plugin was compiled with, and the host compares that too before it calls anything.
//!
//! A next version of an interface is a new type beside the old one (`MethodV2` beside [`MethodV1`]); a host asks for
//! the newest it knows and falls back, so next year's host loads this year's plugin. The crate's own version is the
//! version of the ABI, which is why it does not follow the workspace's.
//!
//! # Rules
//!
//! - Whoever allocates frees: every owning type carries its own release function.
//! - Nothing unwinds across the boundary: each side turns panics into a [`PluginError`].
//! - What is lent is lent for one call: when it returns, nothing that the plugin has begun reads it any more, on a card
//!   neither.
//! - A tensor that is lent lies in the host's memory; clips may lie in that of the card that the session computes on, if the
//!   plugin's description holds `"reads_on_card": true`.
//! - A session is called from one thread at a time, always the same one.
//! - Libraries are never unloaded; a worker process ends instead.

// abi_stable's derive names the reference of a prefix type `Root_Ref`.
#![allow(non_camel_case_types)]

mod cost;
mod error;
mod finetune;
mod geometry;
mod host;
mod method;
mod root;
mod tensor;

pub use cost::{COST, CostV1};
pub use error::{ErrorCode, PluginError, PluginResult};
pub use finetune::{FINETUNE, FineTuneArgs, FineTuneV1};
pub use geometry::{Boundary, Channel, System};
pub use host::{Host, LogLevel};
pub use method::{Batch, CreateArgs, LoadScope, METHOD, MethodV1, Parameter, Session, StepReport};
pub use root::{ABI_MAJOR, ABI_MINOR, Interface, Root, Root_Ref, VERSION_SYMBOL, VersionFn};
pub use tensor::{DType, Device, OwnedTensor, TensorView};
