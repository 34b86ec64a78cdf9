//! What identifies a row, and its name.

use physrep_records::Initialisation;

/// The method and its initialisation: what makes rows of two systems, or of two runs, rows of the same encoder.
pub type Key<'a> = (&'a str, Initialisation);

/// The name of a row that has these methods and initialisations: `jepa`, `mpp (joint)`, `autoencoder, jepa (random init)`.
pub(crate) fn of<'a>(keys: impl Iterator<Item = Key<'a>>) -> String {
    let keys: Vec<Key<'_>> = keys.collect();
    let groups = keys.chunk_by(|(_, one), (_, other)| one == other).map(|group| {
        let methods: Vec<&str> = group.iter().map(|(method, _)| *method).collect();
        let suffix = match group[0].1 {
            Initialisation::Random => " (random init)",
            Initialisation::Joint => " (joint)",
            Initialisation::Elsewhere => " (elsewhere)",
            Initialisation::Pretrained | Initialisation::None => "",
        };
        methods.join(", ") + suffix
    });
    groups.collect::<Vec<_>>().join(", ")
}
