//! A tensor as a view of a storage, as PyTorch keeps it: any order of its axes, any part of the storage.

use super::element::{self, Element};

/// Where the elements of a tensor are in a storage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct View {
    /// The storage's name.
    pub storage: String,
    /// The type of its elements.
    pub element: Element,
    /// The first element.
    pub offset: u64,
    /// The length of each axis.
    pub shape: Vec<u64>,
    /// For each axis, how many elements of the storage lie between neighbours.
    pub strides: Vec<u64>,
}

impl View {
    /// Whether the elements follow one another as they are to be read.
    fn is_row_major(&self) -> bool {
        let mut step = 1;
        self.shape.iter().zip(&self.strides).rev().filter(|(length, _)| **length > 1).all(|(length, stride)| {
            let expected = step;
            step *= length;
            *stride == expected
        })
    }

    /// The elements in row-major order, of a storage of these bytes.
    ///
    /// # Errors
    ///
    /// If it reaches beyond the storage, or repeats its elements so often that the tensor would be larger than memory.
    pub fn gather(&self, storage: &[u8]) -> Result<Vec<u8>, String> {
        let size = element::bytes(self.element);
        let count = self.shape.iter().try_fold(1u64, |count, &length| count.checked_mul(length));
        let count = count.and_then(|count| usize::try_from(count).ok()).ok_or("a shape beyond all memory")?;
        if count == 0 {
            return Ok(Vec::new());
        }
        let axes = || self.shape.iter().zip(&self.strides);
        let last = axes().try_fold(self.offset, |last, (&length, &stride)| {
            (length - 1).checked_mul(stride).and_then(|reach| last.checked_add(reach))
        });
        let there = storage.len() / size;
        if last.is_none_or(|last| last >= there as u64) {
            return Err(format!(
                "elements from {} on with strides {:?} reach beyond the {there} of its storage",
                self.offset, self.strides
            ));
        }
        if self.is_row_major() {
            let first = self.offset as usize * size;
            return Ok(storage[first..first + count * size].to_vec());
        }
        let mut values = Vec::new();
        let bytes = count.checked_mul(size).ok_or("a shape beyond all memory")?;
        values.try_reserve_exact(bytes).map_err(|_| format!("no memory for its {bytes} bytes"))?;
        // The index of the element in each axis, counted up as an odometer: the last axis turns first.
        let mut index = vec![0; self.shape.len()];
        let mut at = self.offset;
        for _ in 0..count {
            values.extend_from_slice(&storage[at as usize * size..][..size]);
            for (index, (length, stride)) in index.iter_mut().zip(axes()).rev() {
                *index += 1;
                // An axis of one element may have any stride.
                at = at.wrapping_add(*stride);
                if *index < *length {
                    break;
                }
                at = at.wrapping_sub(index.wrapping_mul(*stride));
                *index = 0;
            }
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use safetensors::Dtype;

    use super::*;

    fn view(offset: u64, shape: &[u64], strides: &[u64]) -> View {
        View { storage: "0".into(), element: Dtype::I16, offset, shape: shape.into(), strides: strides.into() }
    }

    fn numbers(count: i16) -> Vec<u8> {
        (0..count).flat_map(i16::to_le_bytes).collect()
    }

    #[test]
    fn every_layout_is_gathered_in_row_major_order() {
        let gather = |view: View| {
            let values = view.gather(&numbers(24)).expect("inside");
            values.as_chunks::<2>().0.iter().map(|&value| i16::from_le_bytes(value)).collect::<Vec<_>>()
        };
        assert_eq!(gather(view(0, &[2, 3], &[3, 1])), [0, 1, 2, 3, 4, 5]);
        assert_eq!(gather(view(4, &[3, 2], &[1, 3])), [4, 7, 5, 8, 6, 9], "transposed, from an offset");
        assert_eq!(gather(view(0, &[1, 3, 2, 2], &[12, 1, 6, 3])), [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]);
        assert_eq!(gather(view(1, &[3], &[7])), [1, 8, 15], "every seventh");
        assert_eq!(gather(view(5, &[2, 2], &[0, 1])), [5, 6, 5, 6], "expanded");
        assert_eq!(gather(view(23, &[], &[])), [23], "a number");
        assert_eq!(gather(view(5, &[1, 2, 1], &[u64::MAX, 3, u64::MAX])), [5, 8], "strides that lead nowhere");
        assert_eq!(gather(view(99, &[4, 0], &[1, 1])), [0; 0], "nothing");
    }

    #[test]
    fn views_beyond_their_storage_are_refused() {
        for wrong in [
            view(24, &[1], &[1]),
            view(0, &[25], &[1]),
            view(0, &[2], &[u64::MAX]),
            view(u64::MAX, &[2], &[1]),
            view(0, &[1 << 40, 1 << 40], &[0, 0]),
        ] {
            wrong.gather(&numbers(24)).expect_err("refused");
        }
    }
}
