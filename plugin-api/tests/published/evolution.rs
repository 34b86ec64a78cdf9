//! Ways in which a published type could become another one. Each is refused, here and when a library with the other type is loaded.

use std::collections::BTreeSet;

use abi_stable::{
    StableAbi, abi_stability::abi_checking::check_layout_compatibility, std_types::RVec, type_layout::TypeLayout,
};

use crate::{comparison::changes, layout::describe};

/// Types of one name, the first of them published, and a function that lists their layouts.
macro_rules! versions {
    ($list:ident of $name:ident: $($change:ident: $item:item)*) => {
        $(mod $change {
            #![allow(dead_code)]
            use super::*;
            #[derive(StableAbi)]
            $item
        })*
        fn $list() -> Vec<(&'static str, &'static TypeLayout)> {
            vec![$((stringify!($change), $change::$name::LAYOUT)),*]
        }
    };
}

versions! { tables of Table:
    published: #[repr(C)]
    pub struct Table { call: extern "C" fn(count: u32) -> u64, values: RVec<u32>, last: u32 }
    removed_field: #[repr(C)]
    pub struct Table { call: extern "C" fn(count: u32) -> u64, values: RVec<u32> }
    swapped_fields: #[repr(C)]
    pub struct Table { values: RVec<u32>, call: extern "C" fn(count: u32) -> u64, last: u32 }
    renamed_field: #[repr(C)]
    pub struct Table { call: extern "C" fn(count: u32) -> u64, values: RVec<u32>, end: u32 }
    inserted_field: #[repr(C)]
    pub struct Table { call: extern "C" fn(count: u32) -> u64, new: u32, values: RVec<u32>, last: u32 }
    field_in_the_padding: #[repr(C)]
    pub struct Table { call: extern "C" fn(count: u32) -> u64, values: RVec<u32>, last: u32, new: u32 }
    other_integer: #[repr(C)]
    pub struct Table { call: extern "C" fn(count: u32) -> u64, values: RVec<u32>, last: i32 }
    other_elements: #[repr(C)]
    pub struct Table { call: extern "C" fn(count: u32) -> u64, values: RVec<i32>, last: u32 }
    other_parameter: #[repr(C)]
    pub struct Table { call: extern "C" fn(count: i32) -> u64, values: RVec<u32>, last: u32 }
    another_parameter: #[repr(C)]
    pub struct Table { call: extern "C" fn(count: u32, of: u32) -> u64, values: RVec<u32>, last: u32 }
    other_result: #[repr(C)]
    pub struct Table { call: extern "C" fn(count: u32) -> i64, values: RVec<u32>, last: u32 }
    unsafe_function: #[repr(C)]
    pub struct Table { call: unsafe extern "C" fn(count: u32) -> u64, values: RVec<u32>, last: u32 }
    borrowed_parameter: #[repr(C)]
    pub struct Table { call: extern "C" fn(count: &u32) -> u64, values: RVec<u32>, last: u32 }
    transparent: #[repr(transparent)]
    pub struct Table { last: u32 }
    no_struct: #[repr(u8)]
    pub enum Table { Call, Values, Last }
}

versions! { levels of Level:
    first_level: #[repr(u8)]
    pub enum Level { Low, High }
    appended_variant: #[repr(u8)]
    pub enum Level { Low, High, Highest }
    inserted_variant: #[repr(u8)]
    pub enum Level { Low, Middle, High }
    swapped_variants: #[repr(u8)]
    pub enum Level { High, Low }
    other_number: #[repr(u8)]
    pub enum Level { Low, High = 7 }
    variant_with_a_field: #[repr(u8)]
    pub enum Level { Low, High(bool) }
    wider: #[repr(u32)]
    pub enum Level { Low, High }
}

versions! { callbacks of Callbacks:
    optional_function: #[repr(C)]
    pub struct Callbacks { done: Option<extern "C" fn(count: u32)> }
    other_optional_function: #[repr(C)]
    pub struct Callbacks { done: Option<extern "C" fn(count: i32)> }
    function_that_is_there: #[repr(C)]
    pub struct Callbacks { done: extern "C" fn(count: u32) }
}

#[test]
fn every_change_of_a_type_is_refused() {
    let text = |layout| describe(layout, &mut BTreeSet::new());
    for versions in [tables(), levels(), callbacks()] {
        let (_, published) = versions[0];
        assert_eq!(changes(&text(published), &text(published)), [""; 0]);
        check_layout_compatibility(published, published).expect("the same");
        for (change, layout) in &versions[1..] {
            assert!(!changes(&text(published), &text(layout)).is_empty(), "{change}: {}", text(layout));
            assert!(check_layout_compatibility(published, layout).is_err(), "{change} is refused at load");
        }
    }
}
