//! Chooses which tensors of a file are the parameters of an encoder.
//!
//! Trainers put a network into dictionaries (`state_dict`, `model`, `ema`) and behind prefixes (`module.`, `encoder.`); joined by dots,
//! keys and prefixes are the same. So a *place* is any beginning of names after which the encoder's own names follow, with or without
//! the path that they have in the method. Exactly one place must hold all of them, in their shapes, and nothing else of a network.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::named_tensors::NamedTensor;

/// A parameter that is needed.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// Its name in the method.
    pub name: String,
    /// Its shape.
    pub shape: Vec<u64>,
}

/// Parts of names that wrappers of a module add, anywhere: DataParallel and DeepSpeed, torch.compile, FSDP, activation checkpoints, and
/// the attributes of a module that was pickled whole.
const WRAPPERS: [&str; 7] = [
    "module",
    "_orig_mod",
    "_fsdp_wrapped_module",
    "_checkpoint_wrapped_module",
    "_parameters",
    "_buffers",
    "_modules",
];

/// For each parameter that is wanted, the tensor that it is in the file. Only names below the keys `below` are looked at, if given.
///
/// A place inside another one that fits is a part of that network, such as a teacher. Places with the same tensors are one.
///
/// # Errors
///
/// If no place fits, or several do: what was expected, and what is there.
pub(super) fn choose(wanted: &[Wanted], found: &[NamedTensor], below: Option<&str>) -> Result<Vec<usize>, String> {
    let found = restrict(found, below)?;
    let search = Search::new(wanted, &found);
    let places = search.places();
    let mut fits: Vec<(&Place<'_>, Vec<usize>)> = Vec::new();
    for place in &places {
        if let Some(tensors) = search.fit(place)
            && !fits.iter().any(|(outer, same)| *same == tensors || place.is_inside(outer))
        {
            fits.push((place, tensors));
        }
    }
    match fits.as_slice() {
        [(place, tensors)] => match search.others(place) {
            others if others.is_empty() => Ok(tensors.clone()),
            others => Err(format!(
                "{}, found more {}: {}; the checkpoint is of another network, or of other settings (--set)",
                search.expected(),
                at(&place.base),
                listed(others.into_iter())
            )),
        },
        [] => Err(search.misfit(&places)),
        several => Err(format!(
            "{}, found several that fit: {}; name one with --key",
            search.expected(),
            several.iter().map(|(place, _)| at(&place.base)).collect::<Vec<_>>().join(", ")
        )),
    }
}

/// The tensors below the keys `below`, by the rest of their names.
fn restrict(found: &[NamedTensor], below: Option<&str>) -> Result<Vec<NamedTensor>, String> {
    let Some(below) = below else { return Ok(found.to_vec()) };
    let rest = |name: &str| name.strip_prefix(below)?.strip_prefix('.').map(str::to_owned);
    let kept = found.iter().filter_map(|tensor| Some(NamedTensor { name: rest(&tensor.name)?, ..tensor.clone() }));
    let kept: Vec<_> = kept.collect();
    if kept.is_empty() {
        let keys: BTreeSet<&str> = found.iter().filter_map(|tensor| Some(tensor.name.split_once('.')?.0)).collect();
        return Err(format!(
            "expected tensors below --key {below}, found none; there are some below {}",
            listed(keys.into_iter())
        ));
    }
    Ok(kept)
}

/// Where the encoder may be in a file.
struct Place<'a> {
    /// How many parts of the path that all wanted names share are left out.
    left_out: usize,
    /// What the names there begin with, without wrappers.
    beginning: Vec<&'a str>,
    /// The same as it stands in the file.
    base: String,
    /// The tensors there by the parameter that they are called like.
    called: BTreeMap<usize, Vec<usize>>,
}

impl Place<'_> {
    /// Whether it is a part of what another place, with as many parts of the method's names or more, is.
    fn is_inside(&self, outer: &Self) -> bool {
        let rest = self.base.strip_prefix(&outer.base);
        let deeper = outer.base.is_empty() || rest.is_some_and(|rest| rest.starts_with('.'));
        self.base != outer.base && deeper
    }
}

/// The names that are wanted and those that are found, in parts.
struct Search<'a> {
    wanted: &'a [Wanted],
    found: &'a [NamedTensor],
    /// The parts of the wanted names.
    parts: Vec<Vec<&'a str>>,
    /// The parts of the found names, without wrappers.
    plain: Vec<Vec<&'a str>>,
    /// How many parts all wanted names share.
    shared: usize,
    /// The parts that are left out of found names: those wrappers that no wanted name has.
    wrappers: Vec<&'static str>,
}

impl<'a> Search<'a> {
    fn new(wanted: &'a [Wanted], found: &'a [NamedTensor]) -> Self {
        let parts: Vec<Vec<&str>> = wanted.iter().map(|wanted| wanted.name.split('.').collect()).collect();
        let wrappers =
            WRAPPERS.into_iter().filter(|wrapper| !parts.iter().flatten().any(|part| part == wrapper)).collect();
        let shared = parts.first().map_or(0, |first| {
            let same =
                |depth: &usize| parts.iter().all(|parts| parts.len() > depth + 1 && parts[*depth] == first[*depth]);
            (0..first.len()).take_while(same).count()
        });
        let mut search = Self { wanted, found, parts, plain: Vec::new(), shared, wrappers };
        search.plain = found.iter().map(|tensor| search.without_wrappers(&tensor.name)).collect();
        search
    }

    fn without_wrappers(&self, name: &'a str) -> Vec<&'a str> {
        name.split('.').filter(|part| !self.wrappers.contains(part)).collect()
    }

    /// All places at which some tensor is called like a parameter; those with more of the method's names, and outer ones, come first.
    fn places(&self) -> Vec<Place<'a>> {
        let mut places: BTreeMap<(usize, Vec<&'a str>), Place<'a>> = BTreeMap::new();
        for left_out in 0..=self.shared {
            let names: HashMap<&[&str], usize> =
                self.parts.iter().enumerate().map(|(index, parts)| (&parts[left_out..], index)).collect();
            let lengths: BTreeSet<usize> = names.keys().map(|name| name.len()).collect();
            for (number, plain) in self.plain.iter().enumerate() {
                for from in lengths.iter().filter_map(|length| plain.len().checked_sub(*length)) {
                    let (beginning, name) = plain.split_at(from);
                    let Some(&index) = names.get(name) else { continue };
                    let place = places.entry((left_out, beginning.to_vec())).or_insert_with(|| Place {
                        left_out,
                        beginning: beginning.to_vec(),
                        base: self.base(number, name.len()),
                        called: BTreeMap::new(),
                    });
                    place.called.entry(index).or_default().push(number);
                }
            }
        }
        places.into_values().collect()
    }

    /// The name of a tensor as it stands in the file, without its last `count` parts that are no wrappers.
    fn base(&self, number: usize, count: usize) -> String {
        let parts: Vec<&str> = self.found[number].name.split('.').collect();
        let real = |part: &&str| !self.wrappers.contains(part);
        let mut left = count;
        let end = parts.iter().rposition(|part| {
            left -= usize::from(real(part));
            left == 0
        });
        parts[..end.unwrap_or(0)].join(".")
    }

    /// The tensors of a place that are called like a parameter and have its shape, each once.
    fn fitting(&self, place: &Place<'_>, index: usize) -> BTreeSet<usize> {
        let called = place.called.get(&index).into_iter().flatten().map(|&number| &self.found[number]);
        called.filter(|tensor| tensor.shape == self.wanted[index].shape).map(|tensor| tensor.tensor).collect()
    }

    /// The tensors of the parameters, if a place has exactly one for each.
    fn fit(&self, place: &Place<'_>) -> Option<Vec<usize>> {
        let one = |index| match self.fitting(place, index) {
            fitting if fitting.len() == 1 => fitting.first().copied(),
            _ => None,
        };
        (0..self.wanted.len()).map(one).collect()
    }

    /// The names of tensors that are in the encoder of a place, but no parameters of it: in a module or a dictionary in which
    /// parameters are. A dictionary of something else may stand beside them.
    fn others(&self, place: &Place<'a>) -> Vec<&'a str> {
        if self.shared == 0 {
            // Without a path of its own, what else the method has cannot be told from what it does not have.
            return Vec::new();
        }
        let encoder = self.parts.first().map_or(&[][..], |parts| &parts[place.left_out..self.shared]);
        let inside = |number: usize| {
            let rest = self.plain[number].strip_prefix(place.beginning.as_slice())?.strip_prefix(encoder)?;
            rest.first().copied()
        };
        let taken: BTreeSet<usize> = place.called.values().flatten().copied().collect();
        let modules: BTreeSet<&str> = taken.iter().filter_map(|&number| inside(number)).collect();
        let dictionaries: BTreeSet<usize> = taken.iter().map(|&number| self.found[number].dictionary).collect();
        let is_other = |&number: &usize| {
            !taken.contains(&number)
                && inside(number).is_some_and(|module| {
                    modules.contains(module) || dictionaries.contains(&self.found[number].dictionary)
                })
        };
        (0..self.found.len()).filter(is_other).map(|number| self.found[number].name.as_str()).collect()
    }

    fn expected(&self) -> String {
        format!("expected the {} parameters of the encoder", self.wanted.len())
    }

    /// Why no place fits: what the best one lacks.
    fn misfit(&self, places: &[Place<'a>]) -> String {
        let names = |numbers: &mut dyn Iterator<Item = usize>| listed(numbers.map(|n| self.found[n].name.as_str()));
        let fitting = |place: &Place<'_>| place.called.keys().filter(|&&i| !self.fitting(place, i).is_empty()).count();
        let best = places.iter().rev().max_by_key(|place| (fitting(place), place.called.len()));
        let Some(place) = best else {
            return format!(
                "{}, {}; found other names ({}): {}",
                self.expected(),
                listed(self.wanted.iter().map(|wanted| wanted.name.as_str())),
                self.found.len(),
                names(&mut (0..self.found.len()))
            );
        };
        let mut problems = Vec::new();
        let missing: Vec<&str> = (0..self.wanted.len())
            .filter(|index| !place.called.contains_key(index))
            .map(|index| self.wanted[index].name.as_str())
            .collect();
        if !missing.is_empty() {
            problems.push(format!("{} missing: {}", missing.len(), listed(missing.into_iter())));
        }
        let misshapen = place.called.iter().filter(|(index, _)| self.fitting(place, **index).is_empty());
        let misshapen: Vec<String> = misshapen
            .map(|(&index, numbers)| {
                let NamedTensor { name, shape, .. } = &self.found[numbers[0]];
                format!("`{name}` {shape:?} in place of {:?}", self.wanted[index].shape)
            })
            .collect();
        if !misshapen.is_empty() {
            problems.push(format!("{} of another shape: {}", misshapen.len(), shortened(&misshapen)));
        }
        let rivals = place.called.iter().filter(|(index, _)| self.fitting(place, **index).len() > 1);
        let rivals: Vec<String> = rivals.map(|(_, numbers)| names(&mut numbers.iter().copied())).collect();
        if !rivals.is_empty() {
            problems.push(format!("{} there more than once: {}", rivals.len(), shortened(&rivals)));
        }
        let others = self.others(place);
        if !others.is_empty() {
            problems.push(format!("{} others there: {}", others.len(), listed(others.into_iter())));
        } else if place.called.len() < self.wanted.len() {
            let taken: BTreeSet<usize> = place.called.values().flatten().copied().collect();
            let rest: Vec<usize> = (0..self.found.len()).filter(|number| !taken.contains(number)).collect();
            if !rest.is_empty() {
                problems.push(format!("elsewhere in the file: {}", names(&mut rest.into_iter())));
            }
        }
        format!(
            "{}; {}: {}. Are the checkpoint and the settings (--set) of one network?",
            self.expected(),
            at(&place.base),
            problems.join("; ")
        )
    }
}

/// A place in words.
fn at(base: &str) -> String {
    if base.is_empty() { "at the top of the file".into() } else { format!("at `{base}`") }
}

/// The first few of a list of names, and the number of the rest.
fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    shortened(&names.map(|name| format!("`{name}`")).collect::<Vec<_>>())
}

/// The first few of a list, and the number of the rest.
fn shortened(list: &[String]) -> String {
    const SHOWN: usize = 3;
    let rest = list.len().saturating_sub(SHOWN);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    list[..list.len() - rest].join(", ") + &more
}

#[cfg(test)]
mod tests;
