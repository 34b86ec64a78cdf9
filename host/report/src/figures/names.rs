//! Names of systems, methods and parameters, for people and for files.

/// A name for people: `shear flow`.
pub(crate) fn spaced(name: &str) -> String {
    name.replace('_', " ")
}

/// A file name or anchor for any text: everything but ASCII letters, digits, `-` and `_` becomes `-`.
pub(crate) fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' }).collect()
}
