//! Who may know whom: the crates of the workspace that each may depend on, and the libraries that some must not link.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    sources,
    workspace::{Package, features, packages},
};

struct Rule {
    package: &'static str,
    /// Crates of the workspace that it may name as dependencies.
    may_know: &'static [&'static str],
    /// Packages that it must not link, through others either.
    never_links: &'static [&'static str],
}

/// What opens plugins, and what they are opened with.
const PLUGINS: [&str; 3] = ["libloading", "abi_stable", "physrep-abi"];
/// Tensors, devices and plugins.
const HEAVY: &[&str] = &["candle-core", "candle-nn", "physrep-nn", PLUGINS[0], PLUGINS[1], PLUGINS[2]];

/// From the ground up.
const RULES: &[Rule] = &[
    Rule { package: "physrep-random", may_know: &[], never_links: HEAVY },
    Rule { package: "physrep-abi", may_know: &[], never_links: &["candle-core", "candle-nn"] },
    Rule { package: "physrep-conformance", may_know: &["physrep-random"], never_links: HEAVY },
    Rule { package: "physrep-nn", may_know: &["physrep-random"], never_links: &PLUGINS },
    Rule { package: "physrep-benchmarks", may_know: &["physrep-random"], never_links: HEAVY },
    Rule { package: "physrep-statistics", may_know: &["physrep-random"], never_links: HEAVY },
    Rule {
        package: "physrep-plugin-api",
        may_know: &["physrep-abi", "physrep-conformance", "physrep-nn", "physrep-random"],
        never_links: &["physrep-benchmarks", "physrep-statistics"],
    },
    Rule {
        package: "physrep-evaluation",
        may_know: &["physrep-nn", "physrep-random", "physrep-statistics"],
        never_links: &PLUGINS,
    },
    Rule { package: "physrep-probe-interface", may_know: &[], never_links: &["candle-core", "physrep-abi"] },
    Rule {
        package: "physrep-probe-library",
        may_know: &["physrep-evaluation", "physrep-probe-interface", "physrep-statistics"],
        never_links: &["physrep-abi", "physrep-benchmarks", "physrep-records"],
    },
    Rule {
        package: "physrep-records",
        may_know: &["physrep-benchmarks", "physrep-random", "physrep-statistics"],
        never_links: HEAVY,
    },
    Rule {
        package: "physrep-report",
        may_know: &["physrep-benchmarks", "physrep-random", "physrep-records", "physrep-statistics"],
        never_links: HEAVY,
    },
    Rule {
        package: "physrep-runner",
        may_know: &[
            "physrep-abi",
            "physrep-benchmarks",
            "physrep-conformance",
            "physrep-evaluation",
            "physrep-nn",
            "physrep-probe-interface",
            "physrep-random",
            "physrep-records",
            "physrep-statistics",
        ],
        never_links: &["physrep-report", "physrep-plugin-api", "physrep-probe-library"],
    },
    // No method itself: it starts one, and needs no tensors.
    Rule {
        package: STARTER,
        may_know: &["physrep-abi"],
        never_links: &["candle-core", "candle-nn", "physrep-benchmarks", "physrep-records", "physrep-runner"],
    },
    Rule {
        package: "physrep-fuzz",
        may_know: &["physrep-benchmarks", STARTER, "physrep-random", "physrep-runner"],
        never_links: &["physrep-plugin-api"],
    },
    Rule {
        package: "physrep-bench",
        may_know: &["physrep-benchmarks", "physrep-records", "physrep-report", "physrep-runner"],
        // Nothing of CUDA either: what computes on a GPU is in libraries that it opens.
        never_links: &["physrep-plugin-api", "physrep-probe-library", "cudarc", "candle-kernels"],
    },
];

/// The library that starts methods in another process.
const STARTER: &str = "physrep-external";

/// Every method knows the SDK alone, as one outside this repository does.
const METHOD: Rule = Rule {
    package: "plugins/*",
    may_know: &["physrep-plugin-api"],
    never_links: &["physrep-benchmarks", "physrep-statistics", "physrep-evaluation", "physrep-records"],
};

impl Rule {
    /// The ways in which a package breaks the rule.
    fn violations(&self, package: &Package) -> Vec<String> {
        let known = package.direct.iter().filter(|name| name.starts_with("physrep-"));
        let known = known.filter(|name| !self.may_know.contains(&name.as_str()));
        let linked = self.never_links.iter().filter(|name| package.linked.contains(**name));
        let Package { name, .. } = package;
        known
            .map(|other| format!("{name} depends on {other}; it may depend on {:?}", self.may_know))
            .chain(
                linked.map(|other| {
                    format!("{name} links {other}, which it must not; see `cargo tree -p {name} -i {other}`")
                }),
            )
            .collect()
    }
}

#[test]
fn every_crate_knows_only_those_that_it_may() {
    let packages = packages();
    for rule in RULES {
        let package = packages.get(rule.package).unwrap_or_else(|| panic!("there is no crate {}", rule.package));
        assert_keeps(rule, package);
    }
    let methods = packages.values().filter(|package| package.is_plugin && package.name != STARTER);
    methods.for_each(|method| assert_keeps(&METHOD, method));
    let ruled = |package: &&Package| package.is_plugin || RULES.iter().any(|rule| rule.package == package.name);
    let without: Vec<_> = packages.values().filter(|package| !ruled(package)).map(|package| &package.name).collect();
    assert!(without.is_empty(), "crates without a rule here: {without:?}");
}

#[track_caller]
fn assert_keeps(rule: &Rule, package: &Package) {
    let violations = rule.violations(package);
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn no_crate_below_the_program_prints_or_parses_arguments() {
    for package in packages().values().filter(|package| package.name != "physrep-bench") {
        assert!(
            !package.direct.contains("clap"),
            "{} depends on clap: only the program parses arguments",
            package.name
        );
        assert!(
            !package.direct.contains("indicatif"),
            "{} depends on indicatif: only the program prints",
            package.name
        );
        let prints: Vec<String> = package.roots.iter().flat_map(|root| sources::prints(root)).collect();
        assert!(prints.is_empty(), "only the program prints: {}", prints.join("\n"));
    }
}

/// Otherwise a run on a GPU would compile candle twice: once for its method, once for its probes.
#[test]
fn methods_and_the_probe_library_for_gpus_share_their_dependencies() {
    let of_method = features(&["-p", "physrep-jepa", "--features", "cuda"]);
    let of_probes = features(&["-p", "physrep-probe-library", "--features", "cuda"]);
    assert!(of_probes.keys().any(|name| name.starts_with("cudarc ")), "the feature reaches candle");
    let linked = features(&["-p", "physrep-probe-library", "--features", "cuda", "--edges=normal"]);
    let different = different(linked, &of_method);
    assert!(different.is_empty(), "other features than in builds of methods: {different:?}");
}

/// Otherwise `cargo build -p METHOD`, and a crate that `physrep-bench new` has begun, would compile candle once more, for minutes.
#[test]
fn a_method_alone_shares_what_is_built_for_all() {
    let different = different(features(&["-p", "my-method"]), &features(&["--workspace"]));
    assert!(
        different.is_empty(),
        "built alone, a method has dependencies with other features, which plugin-api/nn/Cargo.toml should name: {different:?}"
    );
}

/// The packages that another build compiles only with other features.
fn different(build: BTreeMap<String, BTreeSet<String>>, other: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let differs = |(name, features): (String, BTreeSet<String>)| {
        let elsewhere = other.get(&name)?;
        (!features.is_subset(elsewhere)).then(|| format!("{name}: {features:?}, not {elsewhere:?}"))
    };
    build.into_iter().filter_map(differs).collect()
}

#[test]
fn the_evaluation_knows_neither_files_nor_processes() {
    let packages = packages();
    let evaluation = &packages["physrep-evaluation"];
    for module in ["fs", "process"] {
        let named: Vec<String> =
            evaluation.roots.iter().flat_map(|root| sources::names(root, &["std", module])).collect();
        assert!(named.is_empty(), "physrep-evaluation must not know std::{module}: {}", named.join("\n"));
    }
}

#[test]
fn a_broken_rule_is_named_with_what_breaks_it() {
    let set = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
    let report = Package {
        name: "physrep-report".into(),
        roots: Vec::new(),
        is_plugin: false,
        direct: set(&["physrep-records", "physrep-runner", "maud"]),
        linked: set(&["physrep-records", "physrep-runner", "candle-core", "maud"]),
    };
    let rule = RULES.iter().find(|rule| rule.package == report.name).expect("a rule");
    let violations = rule.violations(&report);
    assert_eq!(violations.len(), 2, "{violations:?}");
    assert!(
        violations[0].starts_with("physrep-report depends on physrep-runner; it may depend on"),
        "{}",
        violations[0]
    );
    assert!(violations[1].starts_with("physrep-report links candle-core, which it must not"), "{}", violations[1]);
}
