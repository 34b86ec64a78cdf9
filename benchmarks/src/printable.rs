//! Text of others as a terminal may show it. Whoever wrote a file, or a method, chose what is in there.

/// Whether a character is only shown: it neither controls a terminal nor turns the direction of the text around it.
pub fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text on one line, with a space in place of every character that is not [printable](is_printable).
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if is_printable(c) { c } else { ' ' }).collect()
}

/// The text with its lines, and otherwise as [`one_line`] gives it.
pub fn printable_lines(text: &str) -> String {
    text.chars().map(|c| if c == '\n' || is_printable(c) { c } else { ' ' }).collect()
}

/// The first `longest` characters of a text on one line, with three dots if there are more.
pub fn cut_line(text: &str, longest: usize) -> String {
    let (beginning, more) = match text.char_indices().nth(longest) {
        Some((end, _)) => (&text[..end], "..."),
        None => (text, ""),
    };
    one_line(beginning) + more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_controls_a_terminal_becomes_a_space() {
        assert_eq!(one_line("a\x1b[2Jb\nc\u{9b}d\u{202e}e\u{7f}é±"), "a [2Jb c d e é±");
        assert_eq!(printable_lines("a\tb\r\nc"), "a b \nc");
        assert_eq!((cut_line("é±ab", 2).as_str(), cut_line("é±", 2).as_str()), ("é±...", "é±"));
    }
}
