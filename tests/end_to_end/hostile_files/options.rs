//! Options of the command line.

use super::trial::{Trials, link};
use crate::support::{HOSTILE, JEPA, Suite, micro_run};

/// Each is an error of usage, or is refused with a sentence.
#[test]
fn options() {
    let [suite, data] = [Suite::Micro.path(), Suite::Micro.data().to_owned()].map(|path| path.display().to_string());
    let (plugin, jepa) = (HOSTILE.argument(), JEPA.argument());
    let deep = format!("hostile.{}=1", vec!["x"; 20_000].join("."));
    let nested = format!("hostile.slow={}", "[".repeat(20_000));
    let long = "x".repeat(100_000);
    let all = ["all", "--suite", &suite, "--data", &data, "--plugins", &plugin, "--out", "out", "--methods", "mean"];
    let bench = ["bench", "jepa", "--plugins", &jepa, "--steps", "1", "--mode", "encode"];
    let with = |command: &[&str], more: &[&str]| command.iter().chain(more).map(|word| word.to_string()).collect();
    let commands: Vec<Vec<String>> = vec![
        with(&all, &["--jobs", "100000"]),
        with(&all, &["--threads", "1000000"]),
        with(&all, &["--jobs", "0"]),
        with(&all, &["--set", &deep]),
        with(&all, &["--set", &nested]),
        with(&all, &["--set", "=1"]),
        with(&all, &["--set", "hostile..=1"]),
        with(&all, &["--set", &format!("hostile.{long}=1")]),
        with(&all, &["--stall-timeout", "1e300"]),
        with(&all, &["--stall-timeout", "nan"]),
        with(&all, &["--checkpoint-every", "-1"]),
        with(&all, &["--methods", "../../escaped"]),
        with(&all, &["--systems", "\u{1b}[2J"]),
        with(&all, &["--seeds", "18446744073709551616"]),
        with(&all, &["--suite", "../../../../etc/passwd"]),
        with(&all, &["--suite", "\u{1b}]0;x\u{7}"]),
        with(&all, &["--plugins", "a\nb"]),
        with(&bench, &["--size", "99999999999x99999999999"]),
        with(&bench, &["--size", "4294967296x4294967296"]),
        with(&bench, &["--batch", "18446744073709551615"]),
        with(&bench, &["--channels", "0"]),
        with(&bench, &["--frames", "9223372036854775807"]),
        with(&["table", "run"], &["--rename", "jepa=\u{1b}[2J"]),
        with(&["table", "run", "--format", "latex"], &["--label", "}\\input{x}\u{7}"]),
        with(&["table", "run", "--format", "markdown"], &["--rename", "jepa=| <b> \u{9b}"]),
        with(&["table", "run"], &["--methods", "\u{1b}[2J"]),
        with(&["cell"], &["\u{1b}[2J", "--run", "run"]),
        with(&["tune", "../../escaped", "--plugins", &jepa, "--suite", &suite], &["--dry-run"]),
        with(
            &["tune", "jepa", "--plugins", &jepa, "--suite", &suite, "--dry-run"],
            &["--trials", "18446744073709551615"],
        ),
        with(&["score", "x.npz", "--suite", &suite, "--data", &data], &["--name", "../../escaped"]),
        with(&["data", "generate", "../../escaped"], &["--out", "data"]),
        with(&["data", "verify", "run"], &["--stall-timeout", "1e300"]),
        with(&["data", "info", "\u{1b}[2J"], &[]),
        with(&["verify-result", "run/run.json", "--plugins", &jepa], &["--tolerance", "nan"]),
    ];
    let mut trials = Trials::of("option");
    for command in commands {
        trials.run("", |folder| link(micro_run(0), &folder.join("run")), [command]);
    }
    trials.end();
}
