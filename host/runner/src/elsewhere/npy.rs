//! The header of a `.npy` file, whose values then follow as they are produced.

/// The header of a little-endian array in row-major order, in version 1.0 of the format. `dtype` is numpy's name of the type, such as
/// `<f4`.
pub(super) fn header(dtype: &str, shape: &[usize]) -> Vec<u8> {
    const ALIGNMENT: usize = 64;
    let magic = b"\x93NUMPY\x01\x00";
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let mut text = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({}), }}", sizes.trim_end());
    let start = magic.len() + size_of::<u16>();
    let length = (start + text.len() + 1).next_multiple_of(ALIGNMENT) - start;
    text.extend(std::iter::repeat_n(' ', length - text.len() - 1));
    text.push('\n');
    [magic.as_slice(), &(length as u16).to_le_bytes(), text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_begin_at_a_multiple_of_64_bytes() {
        for shape in [vec![0], vec![7], vec![123_456_789, 11, 16, 224, 224]] {
            let header = header("<f4", &shape);
            assert_eq!(header.len() % 64, 0);
            assert_eq!(usize::from(u16::from_le_bytes([header[8], header[9]])), header.len() - 10);
            assert!(header.ends_with(b" \n") || header.ends_with(b"}\n"));
        }
        let header = header("<i8", &[7]);
        let text = String::from_utf8_lossy(&header[10..]);
        assert!(text.starts_with("{'descr': '<i8', 'fortran_order': False, 'shape': (7,), }"), "{text}");
    }
}
