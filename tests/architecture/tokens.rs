//! Rust source as tokens, without comments: enough to see items, `use` trees and paths.

/// A token, and the line it stands on.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// An identifier, `::`, a single punctuation character, or the content of a string after `"`.
    pub text: String,
    /// Counted from 1.
    pub line: usize,
}

impl Token {
    /// Whether this is an identifier or a keyword.
    pub fn is_word(&self) -> bool {
        self.text.starts_with(|c: char| c == '_' || c.is_alphabetic())
    }
}

/// The tokens of `source`. Numbers and characters come out as `0`; lifetimes are left out.
pub fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let mut lexer = Lexer { chars, at: 0, line: 1, tokens: Vec::new() };
    while lexer.at < lexer.chars.len() {
        lexer.step();
    }
    lexer.tokens
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: usize,
    tokens: Vec<Token>,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn skip(&mut self, count: usize) {
        let end = (self.at + count).min(self.chars.len());
        self.line += self.chars[self.at..end].iter().filter(|&&c| c == '\n').count();
        self.at = end;
    }

    fn push(&mut self, text: String, line: usize) {
        self.tokens.push(Token { text, line });
    }

    fn word_length(&self) -> usize {
        self.chars[self.at..].iter().take_while(|c| **c == '_' || c.is_alphanumeric()).count()
    }

    fn step(&mut self) {
        let (c, line) = (self.peek(0), self.line);
        match (c, self.peek(1)) {
            ('/', '/') => {
                let length = self.chars[self.at..].iter().take_while(|&&c| c != '\n').count();
                self.skip(length);
            }
            ('/', '*') => self.block_comment(),
            (':', ':') => {
                self.push("::".into(), line);
                self.skip(2);
            }
            ('"', _) => self.string(),
            ('\'', _) => self.character_or_lifetime(),
            _ if self.raw_string_hashes().is_some() => self.raw_string(),
            ('b' | 'c', '"') => {
                self.skip(1);
                self.string();
            }
            _ if c.is_ascii_digit() => {
                let length = self.word_length();
                self.skip(length);
                self.push("0".into(), line);
            }
            _ if c == '_' || c.is_alphabetic() => {
                let length = self.word_length();
                let word = self.chars[self.at..self.at + length].iter().collect();
                self.skip(length);
                self.push(word, line);
            }
            _ => {
                if !c.is_whitespace() {
                    self.push(c.to_string(), line);
                }
                self.skip(1);
            }
        }
    }

    /// Block comments nest.
    fn block_comment(&mut self) {
        let mut depth = 0;
        loop {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                ('\0', _) => return,
                _ => {
                    self.skip(1);
                    continue;
                }
            }
            self.skip(2);
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        let (line, start) = (self.line, self.at);
        self.skip(1);
        while self.at < self.chars.len() && self.peek(0) != '"' {
            self.skip(if self.peek(0) == '\\' { 2 } else { 1 });
        }
        let text = self.chars[start..self.at].iter().collect();
        self.skip(1);
        self.push(text, line);
    }

    /// The number of `#` if a raw string begins here.
    fn raw_string_hashes(&self) -> Option<usize> {
        let prefix = match (self.peek(0), self.peek(1)) {
            ('r', _) => 1,
            ('b' | 'c', 'r') => 2,
            _ => return None,
        };
        let hashes = (prefix..).take_while(|&ahead| self.peek(ahead) == '#').count();
        (self.peek(prefix + hashes) == '"').then_some(hashes)
    }

    fn raw_string(&mut self) {
        let (line, hashes) = (self.line, self.raw_string_hashes().unwrap_or_default());
        while self.peek(0) != '"' {
            self.skip(1);
        }
        let start = self.at;
        self.skip(1);
        while self.at < self.chars.len() && !(self.peek(0) == '"' && (1..=hashes).all(|n| self.peek(n) == '#')) {
            self.skip(1);
        }
        let text = self.chars[start..self.at].iter().collect();
        self.skip(1 + hashes);
        self.push(text, line);
    }

    fn character_or_lifetime(&mut self) {
        let line = self.line;
        if self.peek(1) == '\\' {
            self.skip(3);
            while self.at < self.chars.len() && self.peek(0) != '\'' {
                self.skip(1);
            }
            self.skip(1);
            self.push("0".into(), line);
        } else if self.peek(2) == '\'' {
            self.skip(3);
            self.push("0".into(), line);
        } else {
            self.skip(1);
            let length = self.word_length();
            self.skip(length);
        }
    }
}
