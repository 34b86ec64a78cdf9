//! Seeded mutations of valid inputs.

use physrep_random::Stream;

/// Values at which parsers break.
const EXTREMES: [&[u8]; 8] = [b"-1", b"0", b"1e999", b"NaN", b"18446744073709551615", b"\"", b"{", b"\xff\xff\xff\xff"];

/// One to eight mutations of `input`: bits flipped, bytes replaced, pieces removed, repeated, moved or replaced by extreme values.
pub fn mutate(input: &[u8], stream: &mut Stream) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=stream.below(8) {
        let at = stream.below(bytes.len());
        let end = (at + 1 + stream.below(32)).min(bytes.len());
        match stream.below(7) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << stream.below(8),
            1 if !bytes.is_empty() => bytes[at] = stream.below(256) as u8,
            2 => drop(bytes.drain(at..end)),
            3 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            4 => bytes.truncate(at),
            5 => {
                let piece: Vec<u8> = bytes.drain(at..end).collect();
                let to = stream.below(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            _ => {
                let extreme = EXTREMES[stream.below(EXTREMES.len())];
                bytes.splice(at..end, extreme.iter().copied());
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mutations_differ_and_depend_on_their_stream_alone() {
        let input = b"schema = 5".repeat(9);
        let once = |index| mutate(&input, &mut Stream::new(0, "mutation", index));
        let all: std::collections::BTreeSet<_> = (0..100).map(once).collect();
        assert!(all.len() > 80, "{}", all.len());
        assert_eq!(once(3), once(3));
        for index in 0..1000 {
            mutate(b"", &mut Stream::new(1, "mutation", index));
        }
    }
}
