//! The architecture, checked: who may know whom among the crates, who may print, and that no files import each other in a circle.
//! docs/architecture.md says why.

mod circles;
mod directions;
mod imports;
mod modules;
mod paths;
mod sources;
mod tokens;
mod use_tree;
mod workspace;
