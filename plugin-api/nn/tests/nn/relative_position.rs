//! Distances and their buckets against plain values.

use physrep_nn::relative_position::{bucket, offset};

#[test]
fn buckets_are_those_of_t5() {
    // 8 * 2^(i / 4) begins bucket 8 + i: 8, 9.51, 11.31, 13.45, 16, 19.03, 22.63, 26.91.
    let begins = [8, 10, 12, 14, 16, 20, 23, 27];
    for distance in 0..200i64 {
        let along = match distance {
            0..8 => distance as usize,
            _ => 7 + begins.iter().filter(|first| **first <= distance).count(),
        };
        assert_eq!(bucket(-distance), along, "{distance} behind");
        if distance > 0 {
            assert_eq!(bucket(distance), 16 + along, "{distance} ahead");
        }
    }
}

#[test]
fn a_periodic_axis_goes_the_shorter_way_round() {
    for count in 1..12 {
        for (query, key) in (0..count * count).map(|i| (i / count, i % count)) {
            let (plain, wrapped) = (offset(query, key, count, false), offset(query, key, count, true));
            assert_eq!(plain, key as i64 - query as i64);
            assert_eq!((wrapped - plain).rem_euclid(count as i64), 0);
            assert!(2 * wrapped <= count as i64 && 2 * wrapped > -(count as i64), "{count}: {wrapped}");
            let shifted = offset((query + 1) % count, (key + 1) % count, count, true);
            assert_eq!(wrapped, shifted, "{count} tokens, from {query} to {key}");
        }
    }
}
