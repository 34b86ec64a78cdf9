//! `use` declarations, one import for each leaf of the tree.

use crate::tokens::Token;

/// One leaf of a `use` tree: `use a::{b as c, d::*}` has two.
#[derive(Clone, Debug)]
pub struct Import {
    /// `["a", "b"]`; of a glob, the module that it opens.
    pub path: Vec<String>,
    /// The name it has here: `c`; `None` for a glob.
    pub name: Option<String>,
    /// Whether it is a re-export: `pub use`, `pub(crate) use`.
    pub public: bool,
    pub line: usize,
}

/// The imports of `use ...`, without its visibility; the `;` may be there or not.
pub fn parse_use(tokens: &[Token], public: bool) -> Vec<Import> {
    let mut imports = Vec::new();
    let mut at = 1;
    tree(tokens, &mut at, &[], public, &mut imports);
    imports
}

fn tree(tokens: &[Token], at: &mut usize, prefix: &[String], public: bool, imports: &mut Vec<Import>) {
    let mut path = prefix.to_vec();
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    // `::name` is another crate, whatever this one has.
    if text(*at) == "::" && prefix.is_empty() {
        path.push(String::new());
        *at += 1;
    }
    loop {
        let Some(token) = tokens.get(*at) else { return };
        *at += 1;
        match token.text.as_str() {
            "{" => {
                while !["}", ""].contains(&text(*at)) {
                    tree(tokens, at, &path, public, imports);
                    if text(*at) == "," {
                        *at += 1;
                    }
                }
                *at += 1;
                return;
            }
            "*" => {
                imports.push(Import { path, name: None, public, line: token.line });
                return;
            }
            word => {
                if word != "self" || path.is_empty() {
                    path.push(word.to_owned());
                }
                if text(*at) == "::" {
                    *at += 1;
                    continue;
                }
                let name = if text(*at) == "as" {
                    *at += 2;
                    text(*at - 1).to_owned()
                } else {
                    path.last().cloned().unwrap_or_default()
                };
                imports.push(Import { path, name: Some(name), public, line: token.line });
                return;
            }
        }
    }
}
