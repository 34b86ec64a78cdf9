#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod keyed;
mod normal_quantiles;
mod stream;

pub use keyed::keyed;
pub use stream::Stream;
