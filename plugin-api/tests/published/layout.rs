//! Layouts of types as text: what abi_stable compares when a library is loaded.

use std::collections::BTreeSet;

use abi_stable::type_layout::{
    LifetimeArrayOrSlice, LifetimeIndex, TLData, TLEnum, TLField, TLFunction, TLPrimitive, TypeLayout,
};

/// Crates whose types are described with all they hold. Those of others, which are pinned, are described by their size.
const OWN: &str = "physrep-";

/// One entry for `root`, and one for each type that it refers to and that is not in `seen`.
pub fn describe(root: &'static TypeLayout, seen: &mut BTreeSet<String>) -> String {
    let name = name(root);
    let nested = match root.data() {
        TLData::Primitive(_) => arguments(root),
        _ if !seen.insert(name.clone()) => return String::new(),
        _ if is_own(root) => parts(root),
        _ => arguments(root),
    };
    let mut text = match root.data() {
        TLData::Primitive(_) => String::new(),
        _ if is_own(root) => own(&name, root),
        _ => format!("foreign {name}: {}, of {}\n", size(root), root.package()),
    };
    nested.into_iter().for_each(|layout| text += &describe(layout, seen));
    text
}

/// A type of the ABI: a line that begins with its kind and name, and a line for each field or variant.
fn own(name: &str, layout: &'static TypeLayout) -> String {
    let data = layout.data();
    let mut text = match data {
        TLData::PrefixType(prefix) => format!("prefix {name}: {} fields for ever, ", prefix.first_suffix_field),
        TLData::Enum(_) => format!("enum {name}: "),
        _ => format!("struct {name}: "),
    };
    text += &format!("{}, repr {:?}\n", size(layout), layout.repr_attr());
    if let TLData::Enum(of) = data {
        text += &variants(&of);
    }
    text + &fields(layout).map(|of| field(&of)).collect::<String>()
}

fn field(field: &TLField) -> String {
    let functions = field.function_range();
    let mut of_type: Vec<String> = functions.iter().map(|called| function(&called)).collect();
    if !field.is_function() {
        of_type.insert(0, format!("{}, {}", name(field.layout()), size(field.layout())));
    }
    format!("    {}: {}{}\n", field.name(), of_type.join(", "), lifetimes(field.lifetime_indices()))
}

/// The variants of an enum: their numbers, and how many fields each has.
fn variants(of: &TLEnum) -> String {
    let names = of.variant_names.as_str().split_terminator(';');
    let numbers = format!("{:?}", of.discriminants);
    let numbers = numbers.trim_matches(['[', ']']).split(", ");
    let lines = names.zip(numbers).zip(of.field_count.iter());
    lines.map(|((name, number), fields)| format!("    {name} = {number}, {fields} fields\n")).collect()
}

/// The parameters with their types, and the type that is returned.
fn function(of: &TLFunction) -> String {
    let names = of.param_names.as_str().split([',', ';']).filter(|name| !name.is_empty());
    let types = of.param_type_layouts.iter().map(|layout| name(layout()));
    let parameters: Vec<String> = names.zip(types).map(|(name, of_type)| format!("{name}: {of_type}")).collect();
    let returned = of.return_type_layout().map_or("()".into(), |layout| name(layout()));
    let parameters = parameters.join(", ");
    let before = if of.fn_qualifs.is_unsafe() { "unsafe " } else { "" };
    format!("{before}fn({parameters}) -> {returned}{}", lifetimes(of.paramret_lifetime_indices))
}

/// Which lifetimes are referred to, in their order.
fn lifetimes(of: LifetimeArrayOrSlice<'static>) -> String {
    let pairs = of.as_slice().iter().flat_map(|pair| [pair.first(), pair.second()]);
    let named = pairs.filter(|index| *index != LifetimeIndex::NONE).map(|index| match index {
        LifetimeIndex::ANONYMOUS => " '_".to_owned(),
        LifetimeIndex::STATIC => " 'static".to_owned(),
        other => format!(" '{other:?}").replace("Param(", "").replace(')', ""),
    });
    named.collect()
}

/// The name of a type with its parameters, as it is written in code.
fn name(layout: &'static TypeLayout) -> String {
    let arguments: Vec<String> = arguments(layout).into_iter().map(name).collect();
    let arguments = arguments.join(", ");
    let lengths = layout.generics().const_params().iter();
    match layout.data() {
        TLData::Primitive(TLPrimitive::SharedRef) => format!("&{arguments}"),
        TLData::Primitive(TLPrimitive::MutRef) => format!("&mut {arguments}"),
        TLData::Primitive(TLPrimitive::ConstPtr) => format!("*const {arguments}"),
        TLData::Primitive(TLPrimitive::MutPtr) => format!("*mut {arguments}"),
        TLData::Primitive(TLPrimitive::Array) => {
            format!("[{arguments}; {}]", lengths.map(|length| format!("{length:?}")).collect::<String>())
        }
        _ if arguments.is_empty() => layout.name().to_owned(),
        _ => format!("{}<{arguments}>", layout.name()),
    }
}

/// The types that a type is generic in. abi_stable names those of some types only by what their fields hold.
fn arguments(layout: &'static TypeLayout) -> Vec<&'static TypeLayout> {
    let named: Vec<_> = layout.generics().type_params().iter().map(|parameter| parameter()).collect();
    if !named.is_empty() || is_own(layout) {
        return named;
    }
    match layout.data() {
        TLData::Enum(variants) => variants.fields.iter().map(|field| field.layout()).collect(),
        TLData::Struct { fields } => {
            let markers = fields.iter().map(|field| field.layout()).filter(|held| held.name() == "PhantomData");
            markers.flat_map(arguments).collect()
        }
        _ => Vec::new(),
    }
}

/// All types that a type refers to: of its fields, and of the parameters of functions and what they return.
fn parts(layout: &'static TypeLayout) -> Vec<&'static TypeLayout> {
    let in_field = |field: TLField| {
        let functions = field.function_range();
        let called = functions.iter().flat_map(|function| {
            function.param_type_layouts.iter().chain(function.return_type_layout()).map(|layout| layout())
        });
        let own = (!field.is_function()).then(|| field.layout());
        own.into_iter().chain(called.collect::<Vec<_>>())
    };
    fields(layout).flat_map(in_field).collect()
}

fn fields(layout: &'static TypeLayout) -> impl Iterator<Item = TLField> {
    layout.get_fields().into_iter().flatten()
}

fn size(layout: &TypeLayout) -> String {
    format!("size {}, align {}", layout.size(), layout.alignment())
}

fn is_own(layout: &TypeLayout) -> bool {
    layout.package().starts_with(OWN)
}
