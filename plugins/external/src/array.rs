//! Arrays, as messages describe them: the values are in a file that both processes have open.

use serde::{Deserialize, Serialize};

/// The type of a value, little-endian; the names are numpy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Dtype {
    Bool,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Float16,
    Bfloat16,
    Float32,
    Float64,
}

impl Dtype {
    /// Bytes of a value.
    pub fn size(self) -> u64 {
        match self {
            Self::Bool | Self::Int8 | Self::Uint8 => 1,
            Self::Int16 | Self::Uint16 | Self::Float16 | Self::Bfloat16 => 2,
            Self::Int32 | Self::Uint32 | Self::Float32 => 4,
            Self::Int64 | Self::Uint64 | Self::Float64 => 8,
        }
    }
}

/// The most axes of an array.
const AXES: usize = 16;

/// An array in the file of whoever sends the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Array {
    /// The type of a value.
    pub dtype: Dtype,
    /// The length of each axis; values are row-major.
    pub shape: Vec<u64>,
    /// Where the first value is, in bytes.
    pub offset: u64,
}

impl Array {
    /// The number of bytes, if the array has at most `longest` and ends before the byte `end` of its file.
    ///
    /// # Errors
    ///
    /// What was expected and what came.
    pub fn bytes(&self, longest: u64, end: u64) -> Result<u64, String> {
        let Self { dtype, shape, offset } = self;
        if shape.len() > AXES {
            return Err(format!("an array of {} axes; expected at most {AXES}", shape.len()));
        }
        let bytes = shape.iter().try_fold(dtype.size(), |bytes, &length| bytes.checked_mul(length));
        let Some(bytes) = bytes.filter(|&bytes| bytes <= longest) else {
            return Err(format!("an array of shape {shape:?} of {dtype:?}; expected at most {longest} bytes"));
        };
        if bytes > 0 && offset.checked_add(bytes).is_none_or(|last| last > end) {
            return Err(format!(
                "an array of {bytes} bytes at offset {offset} of a file of {end} bytes; expected one that lies within it"
            ));
        }
        Ok(bytes)
    }
}

/// An array of a state, or a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedArray {
    /// Its name: the path of a module, such as `encoder.weight`.
    pub name: String,
    /// Its values.
    pub array: Array,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_lies_within_its_file_and_its_limit() {
        let array = |shape: &[u64], offset| Array { dtype: Dtype::Float32, shape: shape.to_vec(), offset };
        assert_eq!(array(&[2, 3], 8).bytes(24, 32), Ok(24));
        assert_eq!(array(&[], 0).bytes(4, 4), Ok(4), "a scalar");
        assert_eq!(array(&[0, 5], 64).bytes(4, 4), Ok(0), "one without values lies anywhere");
        let refused = |shape: &[u64], offset, expected: &str| {
            let found = array(shape, offset).bytes(24, 32).expect_err("refused");
            assert!(found.contains(expected), "{found}");
        };
        refused(&[2, 3], 12, "24 bytes at offset 12 of a file of 32 bytes");
        refused(&[2, 3], u64::MAX, "lies within it");
        refused(&[2, 4], 0, "expected at most 24 bytes");
        refused(&[u64::MAX, u64::MAX], 0, "expected at most 24 bytes");
        refused(&[1; 17], 0, "an array of 17 axes");
    }
}
