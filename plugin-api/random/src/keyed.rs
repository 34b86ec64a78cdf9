//! Generators addressed by a purpose and any number of keys.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The generator of `purpose` and `keys`, such as the bytes of a parameter set and of a trajectory's number.
///
/// Its seed is the BLAKE3 hash of the keys, each preceded by its length, in the key derivation context `purpose`.
pub fn keyed(purpose: &str, keys: &[&[u8]]) -> ChaCha8Rng {
    let mut hasher = blake3::Hasher::new_derive_key(purpose);
    for key in keys {
        hasher.update(&(key.len() as u64).to_le_bytes()).update(key);
    }
    ChaCha8Rng::from_seed(*hasher.finalize().as_bytes())
}
