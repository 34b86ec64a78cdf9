//! The examples below the help of each command. A test parses them all.

use std::fmt::Write as _;

/// A command's name, and lines to type with what they do.
type Examples = (&'static str, &'static [(&'static str, &'static str)]);

const EXAMPLES: &[Examples] = &[
    (
        "",
        &[
            ("all --suite first", "a first table: every method on one system"),
            ("all", "suite tiny; the same command again goes on where it stopped"),
            ("new my-method --python", "begin a method of your own"),
        ],
    ),
    (
        "all",
        &[
            ("all --suite first", "every method on one system, in minutes"),
            ("all --methods jepa,mean --systems shear_flow", "two rows of one table"),
            ("all --plugins ../my-method --with-builtin", "your method beside the bundled ones"),
            ("all --set jepa.training.lr=1e-3 --out runs/higher-lr", "a changed configuration, in a folder of its own"),
            ("all --draw 1 --out runs/draw-1", "fresh trajectories from the same distributions"),
            ("all --suite small --device cuda:0", "on the first GPU"),
            ("all --suite small --device cuda:all", "a cell on each GPU"),
            (
                "all --suite small --device cuda:0 --launcher slurm --gres gpu:1 --time 2:00:00 --array-parallelism 16",
                "as jobs of Slurm, a task for each cell",
            ),
        ],
    ),
    (
        "plan",
        &[
            ("plan --suite small --out runs/small", "prepare a run, and list its cells with their keys"),
            ("plan --format commands > tasks.sh", "a shell command for each task; `bash tasks.sh` runs them in turn"),
            ("plan --format commands --stage cells", "those of one stage, for GNU parallel"),
        ],
    ),
    (
        "cell",
        &[
            ("cell 3fa9 --run runs/small", "run the cell whose key begins with 3fa9"),
            ("cell shear_flow/jepa/seed0 --run runs/small --attempts 5", "by its label, and again if its process dies"),
        ],
    ),
    ("status", &[("status", "the latest run"), ("status runs/tiny --json", "for scripts")]),
    (
        "new",
        &[
            ("new my-method", "a crate in Rust, in ./my-method"),
            ("new my-method --python --path ~/research", "a program in Python, in ~/research/my-method"),
        ],
    ),
    (
        "check",
        &[
            ("check .", "the method in this folder"),
            ("check . --quick", "what takes a second at most"),
            ("check ../my-method --only same-seed,gradients --suites smoke.toml", "two checks, on a suite of your own"),
        ],
    ),
    (
        "tune",
        &[
            ("tune jepa --dry-run", "which values would be tried"),
            ("tune jepa --suite tiny --systems shear_flow", "sixteen trials on one system"),
        ],
    ),
    ("data generate", &[("data generate shear_flow --suite tiny --out data/tiny", "solve the equations of a suite")]),
    (
        "data fetch",
        &[
            ("data fetch active_matter --out data/the-well --split test --dry-run", "what would be downloaded"),
            ("data fetch active_matter --out data/the-well --files 'zeta_1.0_*'", "some of the published files"),
        ],
    ),
    ("data info", &[("data info data/tiny/shear_flow", "fields, grid, parameters, statistics")]),
    ("data verify", &[("data verify data/the-well", "every file of every data set in a folder")]),
    ("data pack", &[("data pack shear_flow --suite tiny --data data/tiny", "what `all` does before it trains")]),
    (
        "data show",
        &[("data show shear_flow --field vorticity --out shear_flow.png", "a picture of the trajectories of a suite")],
    ),
    (
        "table",
        &[
            ("table", "all tables of the latest run"),
            (
                "table runs/tiny --probe attentive --no-random --format latex --fragment --rename 'mine=Mine (ours)'",
                "one table for a paper",
            ),
            ("table runs/tiny --format csv --out scores.csv", "every score, one per row"),
        ],
    ),
    ("report", &[("report runs/tiny", "runs/tiny/report/report.html")]),
    ("compare", &[("compare runs/tiny runs/higher-lr", "what changed, with intervals of the differences")]),
    (
        "merge",
        &[
            ("merge runs/all runs/tiny results/tiny-v5", "your rows beside published ones"),
            ("merge --compress results/mine runs/tiny", "a run to keep in a repository"),
        ],
    ),
    (
        "verify-result",
        &[("verify-result runs/tiny/cells/shear_flow/jepa/3fa9/result.json", "run a recorded cell again, and compare")],
    ),
    (
        "submit",
        &[
            ("submit runs/tiny --plugins ../my-method --out results/tiny-v5-mine", "after one cell was run again"),
            ("submit --check results/tiny-v5-mine", "whether a folder is complete"),
        ],
    ),
    ("leaderboard", &[("leaderboard results", "results/leaderboard.html")]),
    ("tensorboard", &[("tensorboard runs/tiny", "then: tensorboard --logdir runs/tiny/tensorboard")]),
    (
        "encode",
        &[(
            "encode --method jepa --checkpoint encoder.safetensors --input clips.safetensors --output embeddings.safetensors",
            "embed clips of your own",
        )],
    ),
    ("export-windows", &[("export-windows --systems shear_flow", "windows/tiny/shear_flow/clips.npy, for numpy")]),
    ("score", &[("score --name my-model shear_flow.npz", "probe what came back")]),
    (
        "bench",
        &[
            ("bench jepa --size 64 --batch 8", "the time of a training step"),
            ("bench videomae --size 224 --mode encode --device cuda:0", "the time of encoding, on a GPU"),
        ],
    ),
    ("list", &[("list methods", "with their default configurations"), ("list suites", "which names --suite takes")]),
    ("completions", &[("completions bash > ~/.local/share/bash-completion/completions/physrep-bench", "for bash")]),
    ("schema", &[("schema > result.schema.json", "to check records elsewhere")]),
];

/// The command line with the examples below the help of each command.
pub fn added_to(command: clap::Command) -> clap::Command {
    EXAMPLES.iter().fold(command, |command, (name, examples)| {
        let path: Vec<&str> = name.split_whitespace().collect();
        with_text(command, &path, &text(examples))
    })
}

fn with_text(command: clap::Command, path: &[&str], text: &str) -> clap::Command {
    match path {
        [] => command.after_help(text.to_owned()),
        [first, rest @ ..] => command.mut_subcommand(first, |command| with_text(command, rest, text)),
    }
}

fn text(examples: &[(&str, &str)]) -> String {
    examples.iter().fold("Examples:".to_owned(), |mut text, (line, what)| {
        let _ = write!(text, "\n  physrep-bench {line}\n      {what}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    #[test]
    fn every_example_is_a_command_line() {
        for (line, _) in EXAMPLES.iter().flat_map(|(_, examples)| *examples) {
            let typed = line.split(" > ").next().unwrap_or_default();
            let words = typed.split('\'').enumerate().flat_map(|(part, text)| match part % 2 {
                0 => text.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
                _ => vec![text.to_owned()],
            });
            let parsed = cli::command().try_get_matches_from(["physrep-bench".to_owned()].into_iter().chain(words));
            assert!(parsed.is_ok(), "{line}: {}", parsed.err().map(|error| error.to_string()).unwrap_or_default());
        }
    }

    #[test]
    fn every_command_that_is_shown_has_examples_of_its_own() {
        let command = cli::command();
        let shown = |command: &&clap::Command| !command.is_hide_set();
        let leaves = command.get_subcommands().filter(shown).flat_map(|command| {
            let inner: Vec<_> = command
                .get_subcommands()
                .filter(shown)
                .map(|c| format!("{} {}", command.get_name(), c.get_name()))
                .collect();
            if inner.is_empty() { vec![command.get_name().to_owned()] } else { inner }
        });
        for name in leaves.filter(|name| name != "doctor") {
            let examples =
                EXAMPLES.iter().find(|(of, _)| *of == name).map(|(_, examples)| *examples).unwrap_or_default();
            assert!(!examples.is_empty(), "{name} has no example");
            assert!(examples.iter().all(|(line, _)| line.starts_with(&name)), "{name}: {examples:?}");
        }
    }
}
