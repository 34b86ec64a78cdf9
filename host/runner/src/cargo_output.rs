//! What cargo says while it builds a method.

/// Causes of failures that are the machine's, as cargo and rustc name them, and what to do.
const REMEDIES: [(&str, &str); 5] = [
    ("linker `cc` not found", "building takes a C compiler: install one (Debian: apt-get install gcc libc6-dev)"),
    (
        "No space left on device",
        "free some space, or set CARGO_TARGET_DIR to a folder on another disk, and run the same command again",
    ),
    ("Read-only file system", "set CARGO_TARGET_DIR to a folder that can be written"),
    ("failed to download from `", "cargo does not reach crates.io: behind a proxy, set HTTPS_PROXY"),
    ("signal: 9, SIGKILL", "something killed the compiler, probably for lack of memory: CARGO_BUILD_JOBS=1 takes less"),
];

/// What to show of a line of cargo's: the crate that it compiles or downloads, and how many are done. `None` for other lines.
pub(crate) fn progress(line: &str) -> Option<String> {
    let (bar, text) = without_bar(line);
    let text = text.trim();
    if !["Compiling", "Downloading", "Downloaded", "Updating", "Blocking"].iter().any(|word| text.starts_with(word)) {
        return None;
    }
    let count = bar.rsplit_once("] ").and_then(|(_, count)| count.split_once(':')?.0.split_once('/'));
    Some(match count {
        Some((done, all)) => format!("{text} ({done} of {all})"),
        None => text.to_owned(),
    })
}

/// A line in two: the bars that cargo drew over each other, and what it printed then.
fn without_bar(line: &str) -> (&str, &str) {
    line.rsplit_once('\r').unwrap_or(("", line))
}

/// What cargo says from its first error on, and what to do about it, if that is known.
pub(crate) fn errors(stderr: &str) -> String {
    let is_error = |line: &str| line.starts_with("error:") || line.starts_with("error[");
    let lines: Vec<&str> = stderr.lines().map(|line| without_bar(line).1).collect();
    let first = lines.iter().position(|line| is_error(line)).unwrap_or_default();
    let said = lines[first..].join("\n").trim().to_owned();
    match REMEDIES.iter().find(|(cause, _)| said.contains(cause)) {
        Some((_, remedy)) => format!("{said}\n{remedy}"),
        None => said,
    }
}

#[cfg(test)]
mod tests {
    use super::{errors, progress};

    #[test]
    fn the_error_begins_with_a_line_of_an_error_not_with_the_name_of_a_crate() {
        let stderr =
            "   Compiling thiserror v2.0.0\nwarning: unused error\nerror[E0308]: mismatched types\n --> src/lib.rs:1\n";
        assert_eq!(errors(stderr), "error[E0308]: mismatched types\n --> src/lib.rs:1");
        assert_eq!(errors("killed\n"), "killed");
    }

    #[test]
    fn a_line_of_progress_says_how_many_crates_are_done() {
        let bar = "    Building [====>      ] 45/161: itoa, serde    \r   Compiling half v2.4.1";
        assert_eq!(progress(bar).as_deref(), Some("Compiling half v2.4.1 (45 of 161)"));
        assert_eq!(progress("   Compiling half v2.4.1").as_deref(), Some("Compiling half v2.4.1"));
        assert_eq!(progress("    Building [====>      ] 45/161: itoa\rwarning: unused"), None);
        assert_eq!(
            errors("    Building [=>  ] 1/2: a   \rerror: could not compile `a`"),
            "error: could not compile `a`"
        );
    }

    /// As cargo says it on machines that lack something.
    #[test]
    fn an_error_of_the_machine_says_what_to_do() {
        for (stderr, remedy) in [
            (
                "error: linker `cc` not found\n  |\n  = note: No such file or directory (os error 2)",
                "apt-get install gcc",
            ),
            (
                "error: failed to build archive at `liblibc.rlib`: No space left on device (os error 28)",
                "free some space",
            ),
            (
                "error: failed to open: /src/target/release/.cargo-lock\n\nCaused by:\n  Read-only file system",
                "CARGO_TARGET_DIR",
            ),
            (
                "error: failed to get `serde`\n\nCaused by:\n  failed to download from `https://index.crates.io`",
                "HTTPS_PROXY",
            ),
            (
                "error: could not compile `a`\n\nCaused by:\n  process didn't exit successfully (signal: 9, SIGKILL: kill)",
                "CARGO_BUILD_JOBS=1",
            ),
        ] {
            let said = errors(stderr);
            assert!(
                said.starts_with("error: ") && said.lines().last().is_some_and(|last| last.contains(remedy)),
                "{said}"
            );
        }
    }
}
