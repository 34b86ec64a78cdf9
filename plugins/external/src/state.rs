//! A state as a safetensors file: the arrays that the program gave, and the number of steps.

use std::collections::BTreeMap;

use physrep_abi::{ErrorCode, LoadScope};
use safetensors::{Dtype as FileDtype, SafeTensors, tensor::TensorView};

use crate::{
    array::{Dtype, NamedArray},
    exchange::refused,
    failure::{Failure, Result},
};

/// The entry with the number of steps done. No path of a module begins with an `@`.
const STEP: &str = "@step";

/// The longest name, in bytes.
const LONGEST_NAME: usize = 256;

/// Checks names: none twice, none empty or reserved.
pub(crate) fn check_names(call: &str, arrays: &[NamedArray]) -> Result<()> {
    let mut seen = BTreeMap::new();
    for NamedArray { name, .. } in arrays {
        let valid = !name.is_empty() && name.len() <= LONGEST_NAME && !name.starts_with('@');
        if !valid || name.chars().any(char::is_control) {
            let start: String = name.chars().take(LONGEST_NAME).collect();
            return Err(Failure::method(refused(
                call,
                &format!("an array is called {start:?}; expected 1 to {LONGEST_NAME} bytes, without an `@` in front"),
            )));
        }
        if seen.insert(name, ()).is_some() {
            return Err(Failure::method(refused(call, &format!("two arrays are called `{name}`; expected one"))));
        }
    }
    Ok(())
}

/// The bytes of a file with these arrays.
pub(crate) fn to_file(arrays: &[(NamedArray, Vec<u8>)], steps: u64) -> Result<Vec<u8>> {
    let invalid = |error: safetensors::SafeTensorError| Failure::method(format!("its state is no file: {error}"));
    let steps = steps.to_le_bytes();
    let mut views = BTreeMap::new();
    views.insert(STEP, TensorView::new(FileDtype::U64, Vec::new(), &steps).map_err(invalid)?);
    for (NamedArray { name, array }, values) in arrays {
        let shape = array.shape.iter().map(|&length| length as usize).collect();
        views.insert(name, TensorView::new(file_dtype(array.dtype), shape, values).map_err(invalid)?);
    }
    safetensors::serialize(views, None).map_err(invalid)
}

/// An array of a file: name, type, shape and values.
pub(crate) type FileArray<'a> = (&'a str, Dtype, Vec<u64>, &'a [u8]);

/// The arrays of a file, in order of their names, and the number of steps; none of those in a file of weights alone.
pub(crate) fn from_file<'a>(file: &'a SafeTensors<'a>, scope: LoadScope) -> Result<(Vec<FileArray<'a>>, u64)> {
    let misfit = |why: String| Failure::new(ErrorCode::CHECKPOINT, why);
    let mut arrays = Vec::new();
    let mut steps = None;
    for (name, view) in file.iter() {
        if name == STEP {
            let bytes = view.data().try_into().map_err(|_| misfit(format!("`{STEP}` is not one number")))?;
            steps = Some(u64::from_le_bytes(bytes));
        } else if !name.starts_with('@') {
            let shape = view.shape().iter().map(|&length| length as u64).collect();
            let dtype = dtype(view.dtype())
                .ok_or_else(|| misfit(format!("`{name}` is {:?}, a type without a place in numpy", view.dtype())))?;
            arrays.push((name, dtype, shape, view.data()));
        }
    }
    arrays.sort_by_key(|&(name, ..)| name);
    match (scope, steps) {
        (LoadScope::Full, None) => {
            Err(misfit(format!("the file has no `{STEP}`: it holds weights, not the state of a training run")))
        }
        (_, steps) => Ok((arrays, steps.unwrap_or(0))),
    }
}

/// Reads the header of a file.
pub(crate) fn parse(file: &[u8]) -> Result<SafeTensors<'_>> {
    SafeTensors::deserialize(file)
        .map_err(|error| Failure::new(ErrorCode::CHECKPOINT, format!("not a safetensors file: {error}")))
}

/// The types of arrays and of files.
const DTYPES: [(Dtype, FileDtype); 13] = [
    (Dtype::Bool, FileDtype::BOOL),
    (Dtype::Int8, FileDtype::I8),
    (Dtype::Int16, FileDtype::I16),
    (Dtype::Int32, FileDtype::I32),
    (Dtype::Int64, FileDtype::I64),
    (Dtype::Uint8, FileDtype::U8),
    (Dtype::Uint16, FileDtype::U16),
    (Dtype::Uint32, FileDtype::U32),
    (Dtype::Uint64, FileDtype::U64),
    (Dtype::Float16, FileDtype::F16),
    (Dtype::Bfloat16, FileDtype::BF16),
    (Dtype::Float32, FileDtype::F32),
    (Dtype::Float64, FileDtype::F64),
];

fn file_dtype(dtype: Dtype) -> FileDtype {
    DTYPES.iter().find(|(ours, _)| *ours == dtype).expect("all are listed").1
}

fn dtype(dtype: FileDtype) -> Option<Dtype> {
    DTYPES.iter().find(|(_, file)| *file == dtype).map(|(ours, _)| *ours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Array;

    fn named(name: &str, dtype: Dtype, shape: &[u64]) -> NamedArray {
        NamedArray { name: name.into(), array: Array { dtype, shape: shape.to_vec(), offset: 0 } }
    }

    #[test]
    fn a_state_comes_back_with_its_steps() {
        let arrays = [(named("b", Dtype::Int16, &[2]), vec![1, 0, 2, 0]), (named("a", Dtype::Bool, &[]), vec![1])];
        let file = to_file(&arrays, 7).expect("a file");
        let parsed = parse(&file).expect("a file");
        let (found, steps) = from_file(&parsed, LoadScope::Full).expect("a state");
        assert_eq!(steps, 7);
        let expected: [FileArray<'_>; 2] =
            [("a", Dtype::Bool, vec![], &[1]), ("b", Dtype::Int16, vec![2], &[1, 0, 2, 0])];
        assert_eq!(found, expected);
    }

    #[test]
    fn weights_alone_are_no_state() {
        let values = [0; 4];
        let view = TensorView::new(FileDtype::F32, vec![1], &values).expect("a tensor");
        let file = safetensors::serialize([("encoder.w", view)], None).expect("a file");
        let parsed = parse(&file).expect("a file");
        assert!(from_file(&parsed, LoadScope::Full).expect_err("refused").message.contains("no `@step`"));
        assert_eq!(from_file(&parsed, LoadScope::Encoder).expect("weights").0.len(), 1);
        assert!(parse(b"PK").expect_err("refused").message.contains("not a safetensors file"));
    }

    #[test]
    fn names_are_unique_and_not_reserved() {
        let check = |names: &[&str]| {
            let arrays: Vec<_> = names.iter().map(|name| named(name, Dtype::Bool, &[])).collect();
            check_names("save", &arrays).map_err(|failure| failure.message)
        };
        assert_eq!(check(&["a", "b"]), Ok(()));
        assert!(check(&["a", "a"]).expect_err("refused").contains("two arrays are called `a`"));
        assert!(check(&["@step"]).expect_err("refused").contains("without an `@`"));
        assert!(check(&[""]).is_err());
    }
}
