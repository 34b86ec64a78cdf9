//! The tensors in a pickle of `torch.save`, by the path of keys that leads to each.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    element,
    named_tensors::{NamedTensor, NamedTensors},
    pickle::{Call, Id, Object, Pickle},
    strided::View,
};

/// The most keys on the way to a tensor.
const DEEPEST: usize = 64;

/// The most axes of a tensor, and the longest name of a storage, in bytes.
const LARGEST: usize = 128;

/// All tensors of a pickle.
#[derive(Debug)]
pub(super) struct Tensors {
    /// Each of them once.
    pub views: Vec<View>,
    /// Under which names they are.
    pub names: NamedTensors,
    /// What would make tensors of other kinds, if there are some: sparse ones, or of numbers that are not read.
    pub unread: Option<String>,
}

/// All tensors of a pickle.
///
/// # Errors
///
/// If there are more than a checkpoint has.
pub(super) fn tensors(pickle: &Pickle) -> Result<Tensors, String> {
    let mut found = NamedTensors::default();
    let (mut views, mut unread) = (BTreeMap::new(), None);
    for id in 0..pickle.len() as Id {
        match view(pickle, id) {
            Some(Ok(view)) => {
                found.visit(0)?;
                views.insert(id, view);
            }
            Some(Err(kind)) => unread = unread.or(Some(kind)),
            None => {}
        }
    }
    // The same view may be described twice.
    let distinct: Vec<View> = views.values().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    let number = |view| distinct.binary_search(view).expect("it is among them");
    let numbers: BTreeMap<Id, usize> = views.iter().map(|(&id, view)| (id, number(view))).collect();

    let leads = leading(pickle, &numbers);
    // What is open: an object, its name and what it is in. The last is the next, so that names keep their order.
    let mut open = vec![(pickle.root(), String::new(), Vec::<Id>::new())];
    while let Some((id, name, above)) = open.pop() {
        if let Some(&tensor) = numbers.get(&id) {
            let dictionary = above.last().map_or(0, |&id| id as usize);
            found.add(NamedTensor { name, shape: distinct[tensor].shape.clone(), dictionary, tensor });
            continue;
        }
        if above.contains(&id) || above.len() >= DEEPEST {
            continue;
        }
        let members: Vec<_> = members(pickle, id).filter(|&(_, member)| leads[member as usize]).collect();
        for (key, member) in members.into_iter().rev() {
            let key = match key {
                Key::Own => None,
                Key::Number(number) => Some(Cow::Owned(number.to_string())),
                Key::Object(key) => match pickle.object(key) {
                    Object::Text(text) => Some(Cow::Borrowed(&**text)),
                    Object::Integer(number) => Some(Cow::Owned(number.to_string())),
                    _ => continue,
                },
            };
            found.visit(name.len() + key.as_ref().map_or(0, |key| key.len()))?;
            let name = match key {
                Some(key) if name.is_empty() => key.into_owned(),
                Some(key) => format!("{name}.{key}"),
                None => name.clone(),
            };
            open.push((member, name, [above.as_slice(), &[id]].concat()));
        }
    }
    Ok(Tensors { views: distinct, names: found, unread })
}

/// The key of a member.
enum Key {
    Object(Id),
    Number(usize),
    /// The attributes of an object have none: a module in a pickle names its parameters as a state dict does.
    Own,
}

/// What an object holds, by key.
fn members(pickle: &Pickle, id: Id) -> impl Iterator<Item = (Key, Id)> {
    let none: (&[(Id, Id)], &[Id], Option<Id>) = (&[], &[], None);
    let (items, elements, state) = match pickle.object(id) {
        Object::Sequence(elements) => (none.0, elements.as_slice(), None),
        Object::Dictionary(items) => (items.as_slice(), none.1, None),
        Object::Call(call) => {
            let Call { items, elements, state, .. } = &**call;
            (items.as_slice(), elements.as_slice(), *state)
        }
        _ => none,
    };
    let items = items.iter().map(|&(key, value)| (Key::Object(key), value));
    let elements = elements.iter().enumerate().map(|(index, &value)| (Key::Number(index), value));
    items.chain(elements).chain(state.map(|state| (Key::Own, state)))
}

/// For each object, whether it is a tensor or leads to one.
fn leading(pickle: &Pickle, tensors: &BTreeMap<Id, usize>) -> Vec<bool> {
    let mut leads = vec![false; pickle.len()];
    tensors.keys().for_each(|&id| leads[id as usize] = true);
    // What holds something mostly comes before it, so that the first pass finds nearly all.
    for _ in 0..DEEPEST {
        let mut changed = false;
        for id in (0..pickle.len() as Id).rev() {
            if !leads[id as usize] && members(pickle, id).any(|(_, member)| leads[member as usize]) {
                (leads[id as usize], changed) = (true, true);
            }
        }
        if !changed {
            break;
        }
    }
    leads
}

/// The tensor that a call would rebuild, or what would if it is of another kind; none if it makes something else.
fn view(pickle: &Pickle, id: Id) -> Option<Result<View, String>> {
    let Object::Call(call) = pickle.object(id) else { return None };
    let (mut function, mut arguments) = (call.function, pickle.sequence(call.arguments)?);
    // A parameter of a tensor, perhaps of a subclass: the innermost call is the tensor's.
    for _ in 0..4 {
        match pickle.global(function)? {
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
                let Object::Call(inner) = pickle.object(*arguments.first()?) else { return None };
                (function, arguments) = (inner.function, pickle.sequence(inner.arguments)?);
            }
            ("torch._tensor", "_rebuild_from_type_v2") => {
                (function, arguments) = (*arguments.first()?, pickle.sequence(*arguments.get(2)?)?);
            }
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => return plain_view(pickle, arguments, None),
            ("torch._utils", "_rebuild_tensor_v3") => return plain_view(pickle, arguments, arguments.get(6).copied()),
            (module @ "torch._utils", name) if name.starts_with("_rebuild") => {
                return Some(Err(format!("{module}.{name}")));
            }
            _ => return None,
        }
    }
    None
}

/// `(storage, offset, shape, strides, ...)`, where the storage is `("storage", its class, its name, device, length)`; its class tells
/// the type of the elements, unless `element` does.
fn plain_view(pickle: &Pickle, arguments: &[Id], element: Option<Id>) -> Option<Result<View, String>> {
    let &[storage, offset, shape, strides, ..] = arguments else { return None };
    let Object::Persistent(description) = pickle.object(storage) else { return None };
    let &[_, class, name, ..] = pickle.sequence(*description)? else { return None };
    let naturals = |id| pickle.sequence(id)?.iter().map(|&id| pickle.natural(id)).collect::<Option<Vec<u64>>>();
    if [shape, strides].iter().any(|&id| pickle.sequence(id).is_none_or(|axes| axes.len() > LARGEST)) {
        return None;
    }
    let storage = pickle.text(name).filter(|name| name.len() <= LARGEST)?.to_owned();
    let (shape, strides) = (naturals(shape)?, naturals(strides)?);
    if shape.len() != strides.len() {
        return None;
    }
    let (module, kind) = pickle.global(element.unwrap_or(class))?;
    let offset = pickle.natural(offset)?;
    Some(match element::of_pytorch(kind) {
        Some(element) => Ok(View { storage, element, offset, shape, strides }),
        None => Err(format!("{module}.{kind}")),
    })
}
