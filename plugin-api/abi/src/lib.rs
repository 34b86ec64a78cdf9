#![doc = include_str!("../README.md")]

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
pub use geometry::{BoundaryCondition, ChannelView, GeometryView};
pub use host::{HostCallbacks, LogLevel};
pub use method::{BatchView, CreateArgs, LoadScope, METHOD, MethodV1, Parameter, SessionHandle, StepReport};
pub use root::{ABI_MAJOR, ABI_MINOR, INTERFACES, Interface, Root, RootRef, VERSION_SYMBOL, VersionFn};
pub use tensor::{DType, Device, OwnedTensor, TensorView};
