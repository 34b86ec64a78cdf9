//! System calls that fail: once, or all from one on, as on a disk that is full or broken.

use std::{collections::BTreeMap, fs};

use super::{check, commands, rounds, timeless, written};
use crate::support::{
    Random, TestProject, failing_calls,
    failing_calls::{Action, Fault},
};

/// Lets calls of a command fail, `count` times.
fn sweep(command: &commands::Command, count: u64, random: &mut Random) {
    let new = || {
        let project = TestProject::new();
        let folder = fs::canonicalize(project.path("")).expect("it is there");
        command.before.iter().for_each(|before| project.copy(before, "."));
        (project, folder)
    };
    let (project, folder) = new();
    let Some(undisturbed) = failing_calls::run(command.in_project(&project), &folder, None) else { return };
    undisturbed.output.exits_with(0);
    let whole = timeless(&written(&folder, command.writes));
    let actions: Vec<Action> = undisturbed.calls.keys().copied().collect();
    let mut came: BTreeMap<(Action, Option<i32>), u64> = BTreeMap::new();
    for _ in 0..count {
        let (project, folder) = new();
        let action = *random.pick(&actions);
        let call = 1 + random.below(undisturbed.calls[&action] as usize) as u64;
        let (error, text) =
            *random.pick(&[(libc::ENOSPC, "No space left on device"), (libc::EIO, "Input/output error")]);
        let fault = Fault { action, call, stays: random.below(2) == 0, error };
        let faulted = failing_calls::run(command.in_project(&project), &folder, Some(fault)).expect("as before");
        let place = format!("{} with {fault:?} of {:?}", command.arguments.join(" "), faulted.failed);
        let again = || {
            let refuses = command.once && faulted.output.code == Some(0);
            if refuses {
                return project.run(["list", "systems"]);
            }
            command.in_project(&project).output().expect("the program runs").into()
        };
        check(&place, &faulted.output, text, &whole, || written(&folder, command.writes), again);
        *came.entry((action, faulted.output.code)).or_default() += u64::from(!faulted.failed.is_empty());
    }
    let name = command.arguments[..2].join(" ");
    println!("{name}: {count} rounds; calls: {:?}; of those that failed, by exit code: {came:?}", undisturbed.calls);
}

#[test]
fn of_a_run() {
    sweep(&commands::run(), rounds(4), &mut Random::default());
}

#[test]
fn of_a_run_that_is_resumed() {
    sweep(&commands::resumed_run(), rounds(2), &mut Random::default());
}

#[test]
fn of_other_commands() {
    let mut random = Random::default();
    for command in commands::others() {
        sweep(&command, rounds(1), &mut random);
    }
}
