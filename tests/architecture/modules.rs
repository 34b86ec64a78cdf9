//! A crate's modules: which file each stands in, what it defines, what it imports, and the paths in its code.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::{
    paths::{Mention, mentions},
    tokens::{Token, tokens},
    use_tree::{Import, parse_use},
};

/// A module by its path below the crate: `[]` is the root, `["plugin", "session"]` is `crate::plugin::session`.
pub type ModulePath = Vec<String>;

/// What one module holds. Code under `#[cfg(test)]` is left out.
#[derive(Default, Debug)]
pub struct Module {
    /// The file that it stands in; an inline module shares its parent's.
    pub file: PathBuf,
    /// Items that it defines, by name: functions, types, constants, macros.
    pub items: BTreeSet<String>,
    pub imports: Vec<Import>,
    pub mentions: Vec<Mention>,
}

/// All modules of a crate. Two files behind `#[cfg]` for one module stand side by side.
pub type Modules = BTreeMap<ModulePath, Vec<Module>>;

/// Reads the crate whose root file is `root`.
pub fn read_crate(root: &Path) -> Modules {
    let mut modules = Modules::new();
    let folder = root.parent().expect("a file has a folder");
    read_file(root, folder, &[], &mut modules);
    modules
}

/// Reads the module `path` from `file`; the files of its children are under `folder`.
fn read_file(file: &Path, folder: &Path, path: &[String], modules: &mut Modules) {
    let source = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    Reader { tokens: tokens(&source), at: 0, file, modules }.module(folder, path);
}

struct Reader<'a> {
    tokens: Vec<Token>,
    at: usize,
    file: &'a Path,
    modules: &'a mut Modules,
}

impl Reader<'_> {
    fn text(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", |token| &token.text)
    }

    /// Reads items to the end of the file, or to the `}` of an inline module.
    fn module(&mut self, folder: &Path, path: &[String]) {
        let mut module = Module { file: self.file.to_owned(), ..Module::default() };
        while self.at < self.tokens.len() && self.text(0) != "}" {
            let start = self.at;
            let attributes = self.attributes();
            let body = self.at;
            let public = self.visibility();
            match (self.text(0).to_owned().as_str(), self.text(2)) {
                ("mod", ";" | "{") if attributes.test => self.at = self.item_end(),
                ("mod", ";") => {
                    let name = self.text(1).to_owned();
                    self.at += 3;
                    self.child_file(folder, path, &name, attributes.path.as_deref());
                }
                ("mod", "{") => {
                    let name = self.text(1).to_owned();
                    self.at += 3;
                    self.module(&folder.join(&name), &[path, &[name]].concat());
                    self.at += 1;
                }
                _ => {
                    let end = self.item_end().max(self.at + 1);
                    if !attributes.test {
                        self.item(&mut module, public, body, end);
                        module.mentions.extend(mentions(&self.tokens[start..body]));
                    }
                    self.at = end;
                }
            }
        }
        self.modules.entry(path.to_vec()).or_default().push(module);
    }

    fn child_file(&mut self, folder: &Path, path: &[String], name: &str, given: Option<&str>) {
        let candidates = match given {
            Some(given) => vec![self.file.with_file_name(given)],
            None => vec![folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs")],
        };
        let Some(file) = candidates.iter().find(|file| file.is_file()) else {
            panic!("{}: no file for `mod {name}`; looked for {candidates:?}", self.file.display())
        };
        read_file(file, &folder.join(name), &[path, &[name.to_owned()]].concat(), self.modules);
    }

    /// Skips attributes; says whether the item is for tests only, and where `#[path]` sends it.
    fn attributes(&mut self) -> Attributes {
        let mut found = Attributes::default();
        while self.text(0) == "#" {
            let open = if self.text(1) == "!" { self.at + 2 } else { self.at + 1 };
            let end = self.after_group(open);
            let words: Vec<&str> = self.tokens[open..end].iter().map(|token| token.text.as_str()).collect();
            found.test |= words.starts_with(&["[", "cfg", "(", "test", ")"])
                || words.starts_with(&["[", "cfg", "(", "all", "(", "test"])
                || words == ["[", "test", "]"];
            if let ["[", "path", "=", file, "]"] = words[..] {
                found.path = Some(file.trim_start_matches('"').to_owned());
            }
            self.at = end;
        }
        found
    }

    /// Skips `pub` or `pub(...)`; whether there was one.
    fn visibility(&mut self) -> bool {
        if self.text(0) != "pub" {
            return false;
        }
        self.at += 1;
        if self.text(0) == "(" && ["crate", "super", "self", "in"].contains(&self.text(1)) {
            self.at = self.after_group(self.at);
        }
        true
    }

    /// The index after the bracket that closes the one at `open`.
    fn after_group(&self, open: usize) -> usize {
        let mut depth = 0usize;
        for (at, token) in self.tokens.iter().enumerate().skip(open) {
            match token.text.as_str() {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return at + 1;
            }
        }
        self.tokens.len()
    }

    /// The index after the item that begins here: after its `;`, or after its block where no `;` has to follow.
    fn item_end(&self) -> usize {
        let ends_with_semicolon = match self.text(0) {
            "use" | "static" | "type" => true,
            "const" => !["fn", "unsafe", "extern", "async"].contains(&self.text(1)),
            _ => false,
        };
        let mut at = self.at;
        while at < self.tokens.len() {
            match self.tokens[at].text.as_str() {
                ";" => return at + 1,
                "}" => return at,
                "{" if !ends_with_semicolon => return self.after_group(at),
                "(" | "[" | "{" => at = self.after_group(at),
                _ => at += 1,
            }
        }
        at
    }

    /// Takes in the item between `begin` (with its visibility) and `end`.
    fn item(&mut self, module: &mut Module, public: bool, begin: usize, end: usize) {
        let words = &self.tokens[self.at..end];
        if words.first().is_some_and(|token| token.text == "use") {
            module.imports.extend(parse_use(words, public));
            return;
        }
        module.items.extend(defined(words));
        // `use` within a function counts for the whole module.
        let mut rest = Vec::new();
        let mut at = begin;
        while at < end {
            if self.tokens[at].text == "use"
                && self.tokens.get(at + 1).is_some_and(|next| next.is_word() || next.text == "::")
            {
                let length = self.tokens[at..end].iter().take_while(|token| token.text != ";").count();
                module.imports.extend(parse_use(&self.tokens[at..at + length], false));
                at += length;
            } else {
                rest.push(self.tokens[at].clone());
                at += 1;
            }
        }
        module.mentions.extend(mentions(&rest));
    }
}

#[derive(Default)]
struct Attributes {
    test: bool,
    path: Option<String>,
}

/// The name that an item defines.
fn defined(item: &[Token]) -> Option<String> {
    const KINDS: [&str; 8] = ["fn", "struct", "enum", "union", "trait", "type", "const", "static"];
    let words: Vec<&str> = item.iter().map(|token| token.text.as_str()).collect();
    if let ["macro_rules", "!", name, ..] = words[..] {
        return Some(name.to_owned());
    }
    let mut at = 0;
    while let Some(&word) = words.get(at) {
        let next = words.get(at + 1).copied().unwrap_or_default();
        let modifier = ["const", "unsafe", "async", "extern", "default"].contains(&word)
            && ["fn", "unsafe", "async", "extern", "trait"].contains(&next)
            || word.starts_with('"')
            || (word == "extern" && next.starts_with('"'));
        if modifier {
            at += 1;
        } else if KINDS.contains(&word) {
            let name = if next == "mut" { words.get(at + 2).copied().unwrap_or_default() } else { next };
            return Some(name.to_owned());
        } else {
            return None;
        }
    }
    None
}
