//! JEPA of arXiv:2603.13227: an encoder learns by predicting its own embedding of the next clip.

pub mod encoder;
pub mod model;
pub mod predictor;
