//! Arrays in safetensors files.

use std::{collections::BTreeMap, fs, path::Path};

use safetensors::{Dtype, SafeTensors, serialize_to_file, tensor::TensorView};

/// A contiguous array of `f32`.
#[derive(Clone)]
pub struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

impl Array {
    pub fn zeros(shape: &[usize]) -> Self {
        Self { shape: shape.to_vec(), values: vec![0.0; shape.iter().product()] }
    }
}

/// The arrays in a file.
pub fn read_tensors(path: &Path) -> BTreeMap<String, Array> {
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let array = |tensor: TensorView<'_>| {
        assert_eq!(tensor.dtype(), Dtype::F32);
        let values = tensor.data().chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("4 bytes")));
        Array { shape: tensor.shape().to_vec(), values: values.collect() }
    };
    file.tensors().into_iter().map(|(name, tensor)| (name, array(tensor))).collect()
}

/// Writes a file with one array.
pub fn write_tensors(path: &Path, name: &str, array: &Array) {
    let bytes: Vec<u8> = array.values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let view = TensorView::new(Dtype::F32, array.shape.clone(), &bytes).expect("the shape fits the values");
    serialize_to_file([(name, view)], None, path).expect("writable");
}

/// The largest absolute difference, relative to the largest value of `expected`.
pub fn distance(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = |values: &mut dyn Iterator<Item = f32>| values.fold(0.0, |most: f32, value| most.max(value.abs()));
    let difference = largest(&mut found.iter().zip(expected).map(|(a, b)| a - b));
    difference / largest(&mut expected.iter().copied())
}
