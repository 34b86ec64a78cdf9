//! Pickles as Python writes them, and others.

use super::*;

#[test]
fn a_dictionary_that_is_filled_after_its_use_is_full_everywhere() {
    // a = {}; [a, a] with a["k"] = 7 in between: pickled by reference.
    let pickle = Pickle::parse(b"\x80\x02](}q\x01X\x01\0\0\0kK\x07sh\x01e.").expect("a pickle");
    let list = pickle.sequence(pickle.root()).expect("a list");
    assert_eq!(list.len(), 2);
    assert_eq!(list[0], list[1]);
    let Object::Dictionary(items) = pickle.object(list[0]) else { panic!("{pickle:?}") };
    let (key, value) = items[0];
    assert_eq!((pickle.text(key), pickle.natural(value)), (Some("k"), Some(7)));
}

#[test]
fn depth_costs_neither_stack_nor_time() {
    let mut nested = b"\x80\x02)".to_vec();
    nested.resize(1_000_000, 0x85);
    nested.push(b'.');
    assert_eq!(Pickle::parse(&nested).expect("a pickle").len(), 1_000_000 - 3 + 2);
    // Each level holds the one below twice: 2^100 leaves.
    let doubled = [b"\x80\x02)".as_slice(), &b"2\x86".repeat(100), b"."].concat();
    assert_eq!(Pickle::parse(&doubled).expect("a pickle").len(), 102);
}

#[test]
fn numbers_and_calls_of_every_protocol_are_read() {
    let integer = |bytes: &[u8]| {
        let pickle = Pickle::parse(bytes).expect("a pickle");
        match pickle.object(pickle.root()) {
            Object::Integer(number) => Some(*number),
            _ => None,
        }
    };
    assert_eq!(integer(b"J\xff\xff\xff\xff."), Some(-1));
    assert_eq!(integer(b"M\x01\x02."), Some(513));
    assert_eq!(integer(b"\x8a\x02\x00\x80."), Some(-32768));
    assert_eq!(integer(b"\x8a\x00."), Some(0));
    assert_eq!(integer(b"\x8a\x09\0\0\0\0\0\0\0\0\x01."), None);
    assert_eq!(integer(b"L123L\n."), Some(123));
    for call in [b"\x80\x02cos\nsystem\n)R.".as_slice(), b"\x80\x04\x8c\x02os\x8c\x06system\x93)\x81."] {
        let pickle = Pickle::parse(call).expect("a pickle");
        let Object::Call(call) = pickle.object(pickle.root()) else { panic!("{pickle:?}") };
        assert_eq!(pickle.global(call.function), Some(("os", "system")));
    }
}

#[test]
fn damage_is_an_error_with_its_place() {
    for (bytes, part) in [
        (b"".as_slice(), "byte 0 of its pickle: it ends too early"),
        (b"\x80\x02R.", "byte 2 of its pickle: too little"),
        (b"\x80\x02t.", "no mark"),
        (b"((00t.", "nothing to work on"),
        (b"(1.", "nothing to work on"),
        (b"}(Nu.", "a key without a value"),
        (b"X\xff\xff\xff\xff.", "ends too early"),
        (b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "ends too early"),
        (b"h\x07.", "nothing was remembered as 7"),
        (b"\xfe.", "unknown instruction, 0xfe"),
    ] {
        let reason = Pickle::parse(bytes).expect_err("refused");
        assert!(reason.contains(part), "{reason} lacks {part}");
    }
}
