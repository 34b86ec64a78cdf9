//! JEPA against the paper's code, and its variants.

mod clips;
mod parity;
mod variants;
