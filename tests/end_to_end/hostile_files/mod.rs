//! Files of strangers: whatever is in them, the program reads them, or says what is wrong, and comes to an end.
//!
//! Each test makes such files from valid ones, by seed, and hands each to the commands that read it. `PHYSREP_HOSTILE_FILES` sets how many
//! there are of each kind; the default is small. Those of a kind print one line.

mod changes;
mod data;
mod methods;
mod options;
mod places;
mod runs;
mod suites;
mod trial;
mod weights;

use std::env;

/// How many files there are of each kind.
fn rounds() -> u64 {
    env::var("PHYSREP_HOSTILE_FILES").map_or(3, |text| text.parse().expect("a number of files"))
}
