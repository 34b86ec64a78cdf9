//! What crosses between the program and a library that is built with this SDK, as text: an entry begins at the margin, and its name ends
//! with a colon.

use std::collections::BTreeSet;

use abi_stable::{ABI_STABLE_VERSION, StableAbi, library::RootModule};
use physrep_abi::{
    ABI_MAJOR, COST, DType, Device, ErrorCode, FINETUNE, INTERFACES, METHOD, RootRef, VERSION_SYMBOL, VersionFn,
};
use physrep_plugin_api::{
    __private::{Package, root},
    About, Batch, Method, Params, Result, Setup, Step, Tensor,
};
use serde_json::Value;

use crate::layout;

/// More versions of an interface than there will be.
const VERSIONS: std::ops::Range<u32> = 0..32;

/// A method, for what the SDK makes of one.
struct Any;

impl Method for Any {
    type Config = ();
    const ABOUT: About = About { name: "any", summary: "Is described.", reference: "" };

    fn new((): &(), _: &Setup, _: &Params) -> Result<Self> {
        Ok(Self)
    }

    fn loss(&self, batch: &Batch, _: &Step) -> Result<Tensor> {
        Ok(batch.clips.mean_all()?)
    }

    fn encode(&self, batch: &Batch) -> Result<Tensor> {
        Ok(batch.clips.clone())
    }
}

impl Package for Any {
    const VERSION: &'static str = "0.1.0";
    const REVISION: Option<&'static str> = Some("1a2b3c4");
}

/// All that crosses.
pub fn describe() -> String {
    constants() + &keys() + &interfaces()
}

fn constants() -> String {
    let abi_stable = ABI_STABLE_VERSION.version.as_str();
    let (abi_stable, _) = abi_stable.rsplit_once('.').expect("major, minor and patch");
    let DType { code, bits, lanes } = DType::F32;
    let constants = [
        ("ABI_MAJOR", ABI_MAJOR.to_string()),
        ("VERSION_SYMBOL", format!("{VERSION_SYMBOL}, {}", std::any::type_name::<VersionFn>())),
        ("abi_stable", abi_stable.into()),
        ("RootModule", format!("{} {}", RootRef::NAME, RootRef::VERSION_STRINGS)),
        ("METHOD", METHOD.into()),
        ("COST", COST.into()),
        ("FINETUNE", FINETUNE.into()),
        ("ErrorCode::METHOD", ErrorCode::METHOD.0.to_string()),
        ("ErrorCode::CONFIG", ErrorCode::CONFIG.0.to_string()),
        ("ErrorCode::UNSUPPORTED", ErrorCode::UNSUPPORTED.0.to_string()),
        ("ErrorCode::DIVERGED", ErrorCode::DIVERGED.0.to_string()),
        ("ErrorCode::CHECKPOINT", ErrorCode::CHECKPOINT.0.to_string()),
        ("ErrorCode::PANIC", ErrorCode::PANIC.0.to_string()),
        ("Device::CPU_KIND", Device::CPU_KIND.to_string()),
        ("Device::CUDA_KIND", Device::CUDA_KIND.to_string()),
        ("Device::CPU", format!("{} {}", Device::CPU.kind, Device::CPU.index)),
        ("DType::F32", format!("{code} {bits} {lanes}")),
    ];
    constants.map(|(name, value)| format!("constant {name}: {value}\n")).concat()
}

/// The keys of the description, and the types of their values.
fn keys() -> String {
    let description: Value = serde_json::from_str(&root::<Any>().describe()()).expect("JSON");
    let entries = description.as_object().expect("an object").iter().map(|(key, value)| {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        format!("key {key}: {kind}\n")
    });
    entries.collect()
}

/// The interfaces that a library offers, and the layouts of their tables and of the root module.
fn interfaces() -> String {
    let query = root::<Any>().interface();
    let offered = INTERFACES.into_iter().flat_map(|name| VERSIONS.map(move |version| (name, version)));
    let offered = offered.filter_map(|(name, version)| {
        let interface = query(name.into(), version).into_option()?;
        Some((format!("interface {name} {version}: {}\n", interface.layout.name()), interface.layout))
    });
    let (names, tables): (Vec<String>, Vec<_>) = offered.unzip();
    let mut seen = BTreeSet::new();
    let layouts = [RootRef::LAYOUT].into_iter().chain(tables).map(|table| layout::describe(table, &mut seen));
    names.concat() + &layouts.collect::<String>()
}
