//! A method's configuration: the given keys over the defaults.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Error, Result};

/// The configuration of `method` from a JSON object, with defaults for absent keys.
///
/// # Errors
/// [`Error::Config`] if the text is not JSON, a key is unknown (the message lists the known ones), or a value has the wrong
/// type.
pub(crate) fn parse<C: Serialize + DeserializeOwned + Default>(method: &str, json: &str) -> Result<C> {
    let given: Value = serde_json::from_str(json)
        .map_err(|e| Error::Config(format!("{method}: the configuration is not JSON: {e}")))?;
    let mut merged = serde_json::to_value(C::default())
        .map_err(|e| Error::Config(format!("{method}: the default configuration: {e}")))?;
    merge(&mut merged, given, method)?;
    serde_json::from_value(merged).map_err(|e| Error::Config(format!("{method}: {e}")))
}

fn merge(into: &mut Value, from: Value, path: &str) -> Result<()> {
    match (into, from) {
        (Value::Object(known), Value::Object(given)) => {
            for (key, value) in given {
                let keys = known.keys().cloned().collect::<Vec<_>>().join(", ");
                let slot = known
                    .get_mut(&key)
                    .ok_or_else(|| Error::Config(format!("`{path}` has no key `{key}`; it has: {keys}")))?;
                merge(slot, value, &format!("{path}.{key}"))?;
            }
        }
        (slot, value) => *slot = value,
    }
    Ok(())
}
