//! Paths in code.

use crate::tokens::Token;

/// A path of two or more segments in code, or a single word, which matters where a glob is imported.
#[derive(Clone, Debug)]
pub struct Mention {
    pub segments: Vec<String>,
    pub line: usize,
}

/// The paths in code: words joined by `::`. What stands after a `.` is a field or a method, and no path.
pub fn mentions(code: &[Token]) -> Vec<Mention> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < code.len() {
        let after = |text: &str| at > 0 && code[at - 1].text == text;
        if !code[at].is_word() || after(".") || after("::") {
            at += 1;
            continue;
        }
        let line = code[at].line;
        let mut segments = vec![code[at].text.clone()];
        while at + 2 < code.len() && code[at + 1].text == "::" && code[at + 2].is_word() {
            segments.push(code[at + 2].text.clone());
            at += 2;
        }
        at += 1;
        found.push(Mention { segments, line });
    }
    found
}
