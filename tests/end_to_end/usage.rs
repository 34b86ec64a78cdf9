//! Wrong usage: one error line that names the choices.

use crate::support::{HOSTILE, TestProject};

#[test]
fn wrong_usage_is_one_error_line_that_names_the_choices() {
    let project = TestProject::new();
    let hostile = HOSTILE.folder().display().to_string();
    let cases: [(&[&str], i32, &str); 13] = [
        (&["al"], 2, "'all'"),
        (&["all", "--suite", "frist"], 1, "no suite of this name (did you mean `first`?); there is first, tiny"),
        (
            &["all", "--plugins", &hostile, "--methods", "hostil"],
            2,
            "no method `hostil` (did you mean `hostile`?); there are: ",
        ),
        (
            &["all", "--plugins", &hostile, "--systems", "shearflow"],
            2,
            "no system `shearflow` (did you mean `shear_flow`?)",
        ),
        (&["data", "generate", "rayleigh-benard", "--out", "data"], 1, "(did you mean `rayleigh_benard`?)"),
        (&["all", "--suite", "huge"], 1, "tiny"),
        (&["all", "--suite", "nowhere/suite.toml"], 1, "nowhere/suite.toml"),
        (&["all", "--plugins", "nowhere"], 2, "nowhere"),
        (&["all", "--plugins", &hostile, "--methods", "jepa"], 2, "features, mean, hostile"),
        (&["all", "--plugins", &hostile, "--systems", "weather"], 2, "shear_flow"),
        (&["all", "--plugins", &hostile, "--set", "jepa.lr=1"], 2, "METHOD.KEY=VALUE"),
        (
            &["all", "--plugins", &hostile, "--set", "hostile.falt=none"],
            2,
            "no key `falt` (did you mean `fault`?); it has: fault, place, slow",
        ),
        (&["data", "generate", "weather", "--out", "data"], 1, "shear_flow"),
    ];
    for (arguments, code, expected) in cases {
        let output = project.run(arguments).exits_with(code);
        assert!(output.err.contains(expected), "{arguments:?}: expected {expected:?} in:\n{}", output.err);
        output.has_one_error_line();
    }
}
