//! The exported side of a plugin: the root module of a [`Method`], and the macro that exports it.

mod call;
mod finetune;
mod method;

use abi_stable::{
    StableAbi,
    prefix_type::PrefixTypeTrait,
    std_types::{RNone, ROption, RSome, RStr, RString},
};
use physrep_abi::{
    ABI_MAJOR, ABI_MINOR, COST, CostV1, FINETUNE, FineTuneV1, Interface, METHOD, MethodV1, Root, RootRef,
};

use crate::{Method, config, tensor};

/// The ABI version that [`export_method!`](crate::export_method) exports: the major version in the upper 32 bits.
pub const ABI_VERSION: u64 = (ABI_MAJOR as u64) << 32 | ABI_MINOR as u64;

/// The crate that [`export_method!`](crate::export_method) is called in, which implements this trait.
pub trait Package {
    /// `CARGO_PKG_VERSION` of the crate.
    const VERSION: &'static str;
    /// `PHYSREP_METHOD_REVISION`, if it was set while the crate was compiled.
    const REVISION: Option<&'static str>;
}

/// The root module of a plugin whose method is `M`.
pub fn root<M: Method + Package>() -> RootRef {
    Root { describe: describe::<M>, interface: interface::<M> }.leak_into_prefix()
}

extern "C" fn describe<M: Method + Package>() -> RString {
    description::<M>(Some(M::VERSION), M::REVISION).to_string().into()
}

/// The description of a method whose crate has this version and revision.
pub(crate) fn description<M: Method>(version: Option<&str>, revision: Option<&str>) -> serde_json::Value {
    let default_config = config::defaults::<M::Config>().unwrap_or_default();
    serde_json::json!({
        "name": M::ABOUT.name,
        "version": version,
        "revision": revision,
        "summary": M::ABOUT.summary,
        "reference": M::ABOUT.reference,
        "default_config": default_config,
        "joint_pretraining": M::JOINT_PRETRAINING,
        "accepts_device_memory": tensor::ACCEPTS_DEVICE_MEMORY,
        "sdk_version": env!("CARGO_PKG_VERSION"),
        "tensor_library": "candle 0.11",
    })
}

extern "C" fn interface<M: Method>(name: RStr<'_>, version: u32) -> ROption<Interface> {
    match (name.as_str(), version) {
        (METHOD, 1) => RSome(Interface {
            layout: <MethodV1 as StableAbi>::LAYOUT,
            table: (&raw const *const { &method::table::<M>() }).cast(),
        }),
        (COST, 1) => RSome(Interface {
            layout: <CostV1 as StableAbi>::LAYOUT,
            table: (&raw const *const { &CostV1 { flops } }).cast(),
        }),
        (FINETUNE, 1) => RSome(Interface {
            layout: <FineTuneV1 as StableAbi>::LAYOUT,
            table: (&raw const *const { &finetune::table::<M>() }).cast(),
        }),
        _ => RNone,
    }
}

extern "C" fn flops() -> u64 {
    physrep_nn::flops::total()
}

/// Exports a [`Method`] as the one that this library provides.
///
/// Takes the type that implements the trait; call it once per `cdylib` crate. The description that the host reads carries
/// the crate's version and, if the environment variable `PHYSREP_METHOD_REVISION` is set during the build, its source
/// revision.
#[macro_export]
macro_rules! export_method {
    ($method:ty) => {
        const _: () = {
            use $crate::__private::{ABI_VERSION, LibHeader, RootModuleResult, RootRef};

            impl $crate::__private::Package for $method {
                const VERSION: &'static str = env!("CARGO_PKG_VERSION");
                const REVISION: Option<&'static str> = option_env!("PHYSREP_METHOD_REVISION");
            }

            #[unsafe(export_name = "physrep_abi_version")]
            extern "C" fn version() -> u64 {
                ABI_VERSION
            }

            extern "C" fn module() -> RootModuleResult {
                $crate::__private::call_root_module_loader($crate::__private::root::<$method> as fn() -> RootRef)
            }

            // The static that abi_stable looks up. abi_stable's own attribute spells `no_mangle` as editions before 2024
            // did, and needs abi_stable among the author's dependencies.
            #[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
            static HEADER: LibHeader =
                // SAFETY: `module` returns the root module of the type that the header names.
                unsafe { LibHeader::from_constructor::<RootRef>(module, $crate::__private::CheckTypeLayout::Yes) };
        };
    };
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use physrep_abi::INTERFACES;

    use super::*;
    use crate::{About, Batch, Params, Result, Setup, Step, Tensor};

    struct Constant;

    impl Method for Constant {
        type Config = std::collections::BTreeMap<String, f64>;
        const ABOUT: About = About { name: "constant", summary: "Learns nothing.", reference: "none" };

        fn new(_: &Self::Config, _: &Setup, _: &Params) -> Result<Self> {
            Ok(Self)
        }

        fn loss(&self, batch: &Batch, _: &Step) -> Result<Tensor> {
            Ok(batch.clips.mean_all()?)
        }

        fn encode(&self, batch: &Batch) -> Result<Tensor> {
            Ok(batch.clips.mean((2, 3, 4))?.unsqueeze(1)?)
        }
    }

    crate::export_method!(Constant);

    #[test]
    fn the_description_names_the_method_its_version_and_what_it_can() {
        let description: Value = serde_json::from_str(&root::<Constant>().describe()()).expect("JSON");
        let expected = json!({
            "name": "constant",
            "version": env!("CARGO_PKG_VERSION"),
            "revision": option_env!("PHYSREP_METHOD_REVISION"),
            "summary": "Learns nothing.",
            "reference": "none",
            "default_config": {},
            "joint_pretraining": false,
            "accepts_device_memory": cfg!(feature = "cuda"),
            "sdk_version": env!("CARGO_PKG_VERSION"),
            "tensor_library": "candle 0.11",
        });
        assert_eq!(description, expected);
    }

    #[test]
    fn the_first_versions_of_the_interfaces_are_there_and_no_others() {
        let interface = root::<Constant>().interface();
        for name in INTERFACES {
            assert!(interface(name.into(), 1).is_some(), "{name}");
            assert!(interface(name.into(), 0).is_none() && interface(name.into(), 2).is_none(), "{name}");
        }
        assert!(interface("physrep.other".into(), 1).is_none());
    }
}
