//! Operations of several plans and matrix products, each one node of the autograd graph.

pub(crate) mod conv;
pub(crate) mod conv_norm;
pub(crate) mod convnext;
pub(crate) mod linear;
pub(crate) mod self_attention;
pub(crate) mod squared_error;
pub(crate) mod transformer;
pub(crate) mod vicreg;
