#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod check;
mod checks;
mod clips;
mod finite_differences;
mod setting;
mod subject;

pub use check::{Check, Outcome};
pub use checks::CHECKS;
pub use clips::Clips;
pub use setting::{Setting, SuiteShape};
pub use subject::{Failure, Parameter, Session, Spec, Subject, SystemShape, Tokens};
