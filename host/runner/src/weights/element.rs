//! The types of elements that tensors in files have, and their values in single precision.

use half::{bf16, f16};
use safetensors::Dtype;

/// The type of an element.
pub(super) type Element = Dtype;

/// PyTorch's name of a type, of a storage (`FloatStorage`) or of its own (`float32`), as the type of an element.
pub(super) fn of_pytorch(name: &str) -> Option<Element> {
    Some(match name {
        "FloatStorage" | "float32" => Dtype::F32,
        "DoubleStorage" | "float64" => Dtype::F64,
        "HalfStorage" | "float16" => Dtype::F16,
        "BFloat16Storage" | "bfloat16" => Dtype::BF16,
        "LongStorage" | "int64" => Dtype::I64,
        "IntStorage" | "int32" => Dtype::I32,
        "ShortStorage" | "int16" => Dtype::I16,
        "CharStorage" | "int8" => Dtype::I8,
        "ByteStorage" | "uint8" => Dtype::U8,
        "uint16" => Dtype::U16,
        "uint32" => Dtype::U32,
        "uint64" => Dtype::U64,
        "BoolStorage" | "bool" => Dtype::BOOL,
        _ => return None,
    })
}

/// The size of an element that [`of_pytorch`] knows, in bytes.
pub(super) fn bytes(element: Element) -> usize {
    element.bitsize() / 8
}

/// Values as a file of weights has them: floating-point numbers in single precision, others as they are.
pub(super) fn single_precision(element: Element, values: Vec<u8>) -> (Element, Vec<u8>) {
    fn each<const N: usize>(values: &[u8], convert: fn([u8; N]) -> f32) -> Vec<u8> {
        values.as_chunks::<N>().0.iter().flat_map(|&value| convert(value).to_le_bytes()).collect()
    }
    let singles = match element {
        Dtype::F64 => each(&values, |value| f64::from_le_bytes(value) as f32),
        Dtype::F16 => each(&values, |value| f16::from_le_bytes(value).to_f32()),
        Dtype::BF16 => each(&values, |value| bf16::from_le_bytes(value).to_f32()),
        other => return (other, values),
    };
    (Dtype::F32, singles)
}

/// A value that is not finite, if there is one among numbers in single precision.
pub(super) fn not_finite(element: Element, values: &[u8]) -> Option<f32> {
    let mut singles = values.as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value));
    singles.find(|value| element == Dtype::F32 && !value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_values() {
        let two = 2.0_f32.to_le_bytes().to_vec();
        for (name, values) in [
            ("FloatStorage", two.clone()),
            ("DoubleStorage", 2.0_f64.to_le_bytes().to_vec()),
            ("HalfStorage", f16::from_f32(2.0).to_le_bytes().to_vec()),
            ("BFloat16Storage", bf16::from_f32(2.0).to_le_bytes().to_vec()),
        ] {
            let element = of_pytorch(name).expect("known");
            assert_eq!(bytes(element), values.len(), "{name}");
            assert_eq!(single_precision(element, values), (Dtype::F32, two.clone()), "{name}");
        }
        assert_eq!(single_precision(Dtype::I64, vec![7; 8]), (Dtype::I64, vec![7; 8]));
        assert_eq!(of_pytorch("QInt8Storage"), None);
    }
}
