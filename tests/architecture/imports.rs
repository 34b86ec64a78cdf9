//! Which file of a crate uses which other one.
//!
//! File A uses file B where A's code names an item that B defines: in a `use`, or by a path in the code. Re-exports are followed to
//! the file that defines the item, so that a child that takes its sibling's item through their parent uses the sibling, not the
//! parent. Declaring a module (`mod child;`) or re-exporting its items (`pub use child::Item;`) is not a use, unless the parent's
//! own code names the item too. Code under `#[cfg(test)]` does not count. Calling a method is not seen: it has no path.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::{
    modules::{Module, ModulePath, Modules},
    use_tree::Import,
};

/// Why a file uses another: the line, and the path that it names there.
#[derive(Clone, Debug)]
pub struct Reason {
    pub line: usize,
    pub path: String,
}

/// The files that each file uses, with the first reason for each.
pub type Uses = BTreeMap<PathBuf, BTreeMap<PathBuf, Reason>>;

/// The names that a resolution has been at, so that it ends.
type Seen = BTreeSet<(ModulePath, String, bool)>;

/// What a path leads to.
#[derive(Clone, PartialEq, Debug)]
enum Target {
    Module(ModulePath),
    Item(PathBuf),
}

/// The uses between the files of a crate.
pub fn uses(modules: &Modules) -> Uses {
    let resolver = Resolver { modules };
    let mut found = Uses::new();
    for (path, variants) in modules {
        for module in variants {
            for (line, name, target) in resolver.named_by(path, module) {
                if let Target::Item(file) = target
                    && file != module.file
                {
                    let reason = Reason { line, path: name };
                    found.entry(module.file.clone()).or_default().entry(file).or_insert(reason);
                }
            }
        }
    }
    found
}

struct Resolver<'a> {
    modules: &'a Modules,
}

impl Resolver<'_> {
    /// Everything that a module names: line, path and target.
    fn named_by(&self, path: &[String], module: &Module) -> Vec<(usize, String, Target)> {
        let mut found = Vec::new();
        let words: BTreeSet<&str> = module.mentions.iter().map(|mention| mention.segments[0].as_str()).collect();
        for import in &module.imports {
            let reexport_only = import.public && import.name.as_deref().is_some_and(|name| !words.contains(name));
            if import.name.is_none() || reexport_only {
                continue;
            }
            let target = self.resolve_use(path, &import.path);
            found.extend(target.map(|target| (import.line, import.path.join("::"), target)));
        }
        for mention in &module.mentions {
            let target = self.resolve_in(path, module, &mention.segments);
            found.extend(target.map(|target| (mention.line, mention.segments.join("::"), target)));
        }
        found
    }

    /// A path as `use` in the module `from` takes it.
    fn resolve_use(&self, from: &[String], path: &[String]) -> Option<Target> {
        self.resolve(from, path, &mut BTreeSet::new())
    }

    /// A path in the code of `module`: a word alone matters only if a glob brings it.
    fn resolve_in(&self, from: &[String], module: &Module, path: &[String]) -> Option<Target> {
        if path.len() == 1 {
            let name = &path[0];
            let known = module.items.contains(name) || module.imports.iter().any(|i| i.name.as_ref() == Some(name));
            if known || self.is_module(from, name) {
                return None;
            }
            return self.through_globs(from, module, name, false, &mut BTreeSet::new());
        }
        self.resolve(from, path, &mut BTreeSet::new())
    }

    fn is_module(&self, parent: &[String], name: &str) -> bool {
        self.modules.contains_key(&child(parent, name))
    }

    fn resolve(&self, from: &[String], path: &[String], seen: &mut Seen) -> Option<Target> {
        self.resolve_as(from, path, false, seen)
    }

    /// Where `path` leads from the module `from`. A name may be a module and an item at once: `as_module` says which is meant.
    fn resolve_as(&self, from: &[String], path: &[String], as_module: bool, seen: &mut Seen) -> Option<Target> {
        let mut at = from.to_vec();
        let mut rest = path;
        let relative = !["crate", "self", "super"].contains(&path.first()?.as_str());
        while let Some((first, after)) = rest.split_first() {
            match first.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => drop(at.pop()),
                _ => break,
            }
            rest = after;
        }
        let mut target = Target::Module(at);
        for (n, segment) in rest.iter().enumerate() {
            let Target::Module(module) = &target else { return Some(target) };
            let found = self.member(module, segment, as_module || n + 1 < rest.len(), seen);
            target = match found {
                Some(found) => found,
                // The first word of a relative path may be another crate or a local name.
                None if relative && n == 0 => return None,
                // An item that was not seen (made by a macro, say) is taken to be where the path says.
                None => Target::Item(self.modules[module][0].file.clone()),
            };
        }
        Some(target)
    }

    /// What `name` is in a module.
    fn member(&self, path: &[String], name: &str, as_module: bool, seen: &mut Seen) -> Option<Target> {
        let module = self.is_module(path, name).then(|| Target::Module(child(path, name)));
        if as_module && module.is_some() {
            return module;
        }
        self.item(path, name, as_module, seen).or(module)
    }

    /// What `name` is in a module, other than a module that it declares.
    fn item(&self, path: &[String], name: &str, as_module: bool, seen: &mut Seen) -> Option<Target> {
        if !seen.insert((path.to_vec(), name.to_owned(), as_module)) {
            return None;
        }
        let variants = self.modules.get(path)?;
        for module in variants {
            if module.items.contains(name) {
                return Some(Target::Item(module.file.clone()));
            }
            let named = |import: &&Import| import.name.as_deref() == Some(name) && import.path != [name];
            if let Some(import) = module.imports.iter().find(named) {
                return self.resolve_as(path, &import.path, as_module, seen);
            }
        }
        variants.iter().find_map(|module| self.through_globs(path, module, name, as_module, seen))
    }

    fn through_globs(
        &self,
        path: &[String],
        module: &Module,
        name: &str,
        as_module: bool,
        seen: &mut Seen,
    ) -> Option<Target> {
        module.imports.iter().filter(|import| import.name.is_none()).find_map(|import| {
            match self.resolve_as(path, &import.path, true, seen)? {
                Target::Module(opened) if opened != path => self.member(&opened, name, as_module, seen),
                _ => None,
            }
        })
    }
}

fn child(parent: &[String], name: &str) -> ModulePath {
    [parent, &[name.to_owned()]].concat()
}

/// `path` below `folder`, for messages.
pub fn short<'a>(path: &'a Path, folder: &Path) -> std::path::Display<'a> {
    path.strip_prefix(folder).unwrap_or(path).display()
}
