//! A method's configuration: the given keys over the defaults.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{Error, Result};

/// The configuration of `method` from a JSON object, with defaults for absent keys.
///
/// # Errors
/// [`Error::Config`] if the text is not JSON, a key is unknown (the message lists the known ones), or a value has the wrong
/// type.
pub(crate) fn parse<C: Serialize + DeserializeOwned + Default>(method: &str, json: &str) -> Result<C> {
    let given: Value = serde_json::from_str(json)
        .map_err(|e| Error::Config(format!("{method}: the configuration is not JSON: {e}")))?;
    let defaults = serde_json::to_value(C::default())
        .map_err(|e| Error::Config(format!("{method}: the default configuration: {e}")))?;
    let mut merged = keyed(defaults.clone());
    merge(&mut merged, given, method)?;
    // No key of `()` can have been given.
    let merged = if defaults.is_null() { defaults } else { merged };
    serde_path_to_error::deserialize(merged).map_err(|e| {
        let hint = if e.inner().to_string().contains("null") { " (JSON has no infinity and no NaN)" } else { "" };
        Error::Config(format!("{method}.{}: {}{hint}", e.path(), e.inner()))
    })
}

/// The default configuration as a JSON object; that of `()` has no keys.
///
/// # Errors
/// If it cannot be written as JSON.
pub(crate) fn defaults<C: Serialize + Default>() -> serde_json::Result<Value> {
    serde_json::to_value(C::default()).map(keyed)
}

/// `()` is null in JSON: an object without keys, to whoever sets keys.
fn keyed(defaults: Value) -> Value {
    if defaults.is_null() { Value::Object(Map::new()) } else { defaults }
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
