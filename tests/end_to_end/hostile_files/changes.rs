//! What is changed in a valid file: its bytes, a value of its JSON, a line of its TOML.

use serde_json::{Map, Value, json};

use crate::support::Random;

/// Names that lead elsewhere, control a terminal, or are more than a name to who reads a table.
const TEXTS: [&str; 12] = [
    "../../escaped",
    "/tmp/physrep-escaped",
    "..",
    "",
    "\u{1b}[2J\u{7}\u{9b}31m",
    "a\u{0}b\nc",
    "\u{202e}gnp.exe",
    "=cmd|' /C calc'!A0",
    "-1+1",
    "<script>alert(1)</script>",
    "[x](https://example.org) | ![y](https://example.org)",
    "\\input{/etc/passwd} $\\write18$",
];

/// Pieces at which parsers break.
const PIECES: [&[u8]; 12] = [
    b"-1",
    b"0",
    b"1e999",
    b"NaN",
    b"18446744073709551615",
    b"\"",
    b"{",
    b"[[[[[[[[[[[[[[[[",
    b"\x00\x1b[2J",
    b"\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\x00\x00\x00\x00\x00\x00\x00\x80",
    b"../../escaped",
];

/// One to four changes of bytes: bits flipped, pieces replaced, removed, repeated or moved, an end cut off.
pub fn bytes(input: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=random.below(4) {
        // What a file says of itself is at its beginning, or at its end.
        let near = bytes.len().min(4096);
        let at = match random.below(4) {
            0 => random.below(bytes.len()),
            1 => bytes.len() - near + random.below(near),
            _ => random.below(near),
        };
        let end = (at + 1 + random.below(64)).min(bytes.len());
        match random.below(8) {
            0 | 1 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            4 => bytes.truncate(at),
            5 => {
                let piece: Vec<u8> = bytes.drain(at..end).collect();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            6 => {
                let piece = *random.pick(&PIECES);
                let end = (at + piece.len()).min(bytes.len());
                bytes.splice(at..end, piece.iter().copied());
            }
            _ => drop(bytes.splice(at..end, random.pick(&PIECES).iter().copied())),
        }
    }
    bytes
}

/// A value that is not what stands there.
fn value(random: &mut Random) -> Value {
    match random.below(16) {
        0 => Value::Null,
        1 => json!(-1),
        2 => json!(0),
        3 => json!(*random.pick(&[1e308, -1e308, 1e-308, 0.5, 1e40])),
        4 => json!(u64::MAX),
        5 => json!(i64::MIN),
        6 => json!(*random.pick(&[1u64 << 31, 1 << 32, 1 << 40, 100_000_000])),
        7 => json!([]),
        8 => json!({}),
        9 => (0..100).fold(json!(1), |inner, _| json!([inner])),
        10 => json!("long".repeat(100_000)),
        11 => json!(true),
        _ => json!(*random.pick(&TEXTS)),
    }
}

/// One to three values of a JSON document replaced, removed, or repeated.
pub fn json(document: &Value, random: &mut Random) -> Value {
    let mut document = document.clone();
    for _ in 0..=random.below(3) {
        change(&mut document, random);
    }
    document
}

fn change(at: &mut Value, random: &mut Random) {
    let deeper = random.below(8) > 0;
    match at {
        Value::Object(entries) if deeper && !entries.is_empty() => in_object(entries, random),
        Value::Array(items) if deeper && !items.is_empty() => {
            let index = random.below(items.len());
            match random.below(8) {
                0 => drop(items.remove(index)),
                1 => items.push(items[index].clone()),
                _ => change(&mut items[index], random),
            }
        }
        _ => *at = value(random),
    }
}

fn in_object(entries: &mut Map<String, Value>, random: &mut Random) {
    let keys: Vec<String> = entries.keys().cloned().collect();
    let key = random.pick(&keys);
    match random.below(10) {
        0 => drop(entries.remove(key)),
        1 => drop(entries.insert((*random.pick(&TEXTS)).to_owned(), value(random))),
        _ => change(entries.get_mut(key).expect("its own key"), random),
    }
}

/// Values in TOML that are not what stands there.
const TOML: [&str; 18] = [
    "-1",
    "0",
    "1",
    "100000000",
    "9223372036854775807",
    "99999999999999999999999",
    "1e308",
    "-1e-308",
    "nan",
    "inf",
    "true",
    "\"\"",
    "\"../../escaped\"",
    "\"\\u001b[2J\\u0000\"",
    "[]",
    "[1e9, 1e9]",
    "[100000000, 100000000]",
    "{ train = 100000000, valid = 100000000, test = 100000000, held_out = 100000000 }",
];

/// One to three lines of a TOML document with another value, removed, repeated or moved.
pub fn toml(document: &str, random: &mut Random) -> Vec<u8> {
    let mut lines: Vec<String> = document.lines().map(String::from).collect();
    for _ in 0..=random.below(3) {
        let at = random.below(lines.len());
        match random.below(12) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at].clone()),
            2 => {
                let line = lines.remove(at);
                lines.insert(random.below(lines.len() + 1), line);
            }
            3 => lines.insert(at, format!("x = {}", "[".repeat(10_000))),
            4 => lines.insert(at, format!("{} = 1", vec!["x"; 10_000].join("."))),
            _ => {
                if let Some((key, _)) = lines[at].split_once('=') {
                    lines[at] = format!("{key}= {}", random.pick(&TOML));
                }
            }
        }
    }
    lines.join("\n").into_bytes()
}
