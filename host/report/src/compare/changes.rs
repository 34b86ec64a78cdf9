//! What may have caused a difference.

use physrep_records::CellRecord;
use serde_json::Value;

/// What differs between two records of one row; not the data, if they are of two draws.
pub(super) fn between(a: &CellRecord, b: &CellRecord) -> Vec<String> {
    let plugin = |record: &CellRecord| {
        let checksum = record.encoder.as_ref().map(|encoder| encoder.plugin_checksum.clone());
        Value::from(checksum.map(|checksum| checksum.chars().take(12).collect::<String>()))
    };
    let data = |record: &CellRecord| {
        let one_draw = a.identity.suite.draw == b.identity.suite.draw;
        Value::from(one_draw.then(|| record.environment.data_checksum.clone()))
    };
    let (one, two) = (&a.environment, &b.environment);
    let text = |text: &String| Value::from(text.as_str());
    let facts = [
        ("the configuration", a.recipe.config.clone(), b.recipe.config.clone()),
        ("the plugin", plugin(a), plugin(b)),
        ("the data", data(a), data(b)),
        ("the program", text(&one.git_revision), text(&two.git_revision)),
        ("the compiler", text(&one.rustc), text(&two.rustc)),
        ("the processor", text(&one.cpu), text(&two.cpu)),
        ("the device", text(&one.device), text(&two.device)),
    ];
    let different = facts.iter().filter(|(_, one, two)| one != two);
    different.map(|(what, one, two)| format!("{what} was {one}, is {two}")).collect()
}
