//! Products of many short rows with small matrices, which is what layers on channels-last fields mostly compute.
//!
//! A block of results stays in registers while the kernel walks along the inner dimension: it loads a few registers of
//! the right-hand matrix, and multiplies each by one element of every row. Rows are read in place, so that the
//! overlapping patches of a convolution need not be copied. Each result is one sum in the order of the inner index,
//! whatever the blocking.

mod multiply;
mod operands;
mod outer;

pub(crate) use multiply::{Multiply, Start};
pub(crate) use operands::{Panels, Rows};
pub(crate) use outer::AddOuter;
