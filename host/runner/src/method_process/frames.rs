//! Messages between the process of a cell and that of its method: JSON, followed by bytes such as tokens or a state.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The longest JSON of a message, in bytes.
const LONGEST: u32 = 64 << 20;

/// Writes a message: the length of its JSON, that of its payload, little-endian, and both.
pub(super) fn write(output: &mut impl Write, message: &impl Serialize, payload: &[u8]) -> io::Result<()> {
    let json = serde_json::to_vec(message)?;
    let mut head = Vec::with_capacity(12 + json.len());
    head.extend((json.len() as u32).to_le_bytes());
    head.extend((payload.len() as u64).to_le_bytes());
    head.extend(json);
    output.write_all(&head)?;
    output.write_all(payload)?;
    output.flush()
}

/// Reads a message and its payload of at most `longest` bytes; none at the end of `input`.
pub(super) fn read<T: DeserializeOwned>(input: &mut impl Read, longest: u64) -> io::Result<Option<(T, Vec<u8>)>> {
    let mut lengths = [0; 12];
    if let Err(error) = input.read_exact(&mut lengths) {
        return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error) };
    }
    let (json, payload) = lengths.split_at(4);
    let json = u32::from_le_bytes(json.try_into().expect("4 bytes"));
    let payload = u64::from_le_bytes(payload.try_into().expect("8 bytes"));
    if json > LONGEST || payload > longest {
        return Err(invalid(format!("a message of {json} + {payload} bytes is too long")));
    }
    let message = serde_json::from_slice(&exactly(input, json.into())?)?;
    Ok(Some((message, exactly(input, payload)?)))
}

/// Reads `len` bytes; memory is taken as they arrive.
fn exactly(input: &mut impl Read, len: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if input.take(len).read_to_end(&mut bytes)? as u64 == len {
        Ok(bytes)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// The values of a payload of numbers.
pub(super) fn floats(payload: &[u8]) -> Vec<f32> {
    let (values, _) = payload.as_chunks::<4>();
    values.iter().map(|&bytes| f32::from_ne_bytes(bytes)).collect()
}

fn invalid(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.into())
}

/// A number as its bits: JSON has no words for NaN and the infinities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bits(u64);

impl From<f64> for Bits {
    fn from(value: f64) -> Self {
        Self(value.to_bits())
    }
}

impl From<Bits> for f64 {
    fn from(bits: Bits) -> Self {
        Self::from_bits(bits.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_payloads_come_back_in_order() {
        let mut bytes = Vec::new();
        write(&mut bytes, &("first", Bits::from(f64::INFINITY)), &[1, 2, 3]).expect("written");
        write(&mut bytes, &("second", Bits::from(0.1)), &[]).expect("written");
        let mut input = bytes.as_slice();
        let mut next = || read::<(String, Bits)>(&mut input, 3).expect("a message");
        assert_eq!(next(), Some((("first".to_owned(), f64::INFINITY.into()), vec![1, 2, 3])));
        assert_eq!(next(), Some((("second".to_owned(), 0.1.into()), vec![])));
        assert_eq!(next(), None);
    }

    #[test]
    fn what_is_no_message_is_an_error_and_takes_no_memory() {
        let mut long = Vec::new();
        write(&mut long, &"message", &[0; 4]).expect("written");
        assert!(read::<String>(&mut long.as_slice(), 3).is_err(), "a long payload");
        assert!(read::<String>(&mut &long[..long.len() - 1], 4).is_err(), "a message that breaks off");
        assert!(read::<u64>(&mut long.as_slice(), 4).is_err(), "another message");
        let mut endless = [0xff; 12].as_slice();
        assert!(read::<String>(&mut endless, u64::MAX).is_err());
    }
}
