//! Random generators that depend on what they are for, and on nothing else.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// A generator for `purpose`, told apart from others of the same purpose by `keys`.
pub(crate) fn generator(purpose: &str, keys: &[&[u8]]) -> ChaCha8Rng {
    let mut hasher = blake3::Hasher::new_derive_key(purpose);
    for key in keys {
        hasher.update(&(key.len() as u64).to_le_bytes()).update(key);
    }
    ChaCha8Rng::from_seed(*hasher.finalize().as_bytes())
}
