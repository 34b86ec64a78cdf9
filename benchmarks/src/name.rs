//! Names of suites, systems, methods, probes and parameters. They become those of folders and files, of rows and columns, so that what
//! leads to another folder, controls a terminal, or is a formula to a spreadsheet is none.

/// The longest name, in letters.
const LONGEST: usize = 64;

/// Whether `name` is made of at most 64 letters, digits, `-` and `_`, and begins with a letter or a digit.
pub fn is_plain_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    name.len() <= LONGEST && name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(allowed)
}

/// What [`is_plain_name`] asks for, for messages.
pub const PLAIN_NAME: &str = "at most 64 letters, digits, `-` and `_`, beginning with a letter or a digit";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_and_controls_nothing() {
        let long = "a".repeat(64);
        assert!(["jepa", "shear_flow", "Reynolds", "0a1b", "my-method-2", &long].into_iter().all(is_plain_name));
        let refused =
            ["", "..", "../x", "/x", "a/b", "a\\b", "-1", "=1+1", "_", "a b", "a\0", "a\x1b[2J", "é", "\u{212a}"];
        assert!(!refused.into_iter().any(is_plain_name) && !is_plain_name(&(long + "a")));
    }
}
