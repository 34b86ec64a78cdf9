//! Words as a line for a POSIX shell.

/// The words of a command as a line that a shell splits into the same words.
pub fn line(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// A word that a shell reads as it is.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_words_that_were_written() {
        let words = ["printf", "%s|", "a b", "it's", "$HOME", "--set=jepa.dims=[4,4]", "", "*"].map(String::from);
        let output = std::process::Command::new("sh").arg("-c").arg(line(&words)).output().expect("a shell");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "a b|it's|$HOME|--set=jepa.dims=[4,4]||*|");
    }
}
