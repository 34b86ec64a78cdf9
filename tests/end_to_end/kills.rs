//! SIGKILL at any moment, for any of a run's processes: what ends afterwards has the bytes of an undisturbed run, and no leftovers.
//!
//! `PHYSREP_KILL_ROUNDS=300 cargo test --release --test end_to_end kills -- --nocapture` does it 300 times and prints what was hit.

use std::{
    collections::BTreeMap,
    env, fs, thread,
    time::{Duration, Instant},
};

use crate::support::{HOSTILE, JEPA, Random, Running, Suite, TestProject, assert_same_outcome, outcome};

/// Kills unless the environment says how many.
const ROUNDS: u64 = 8;

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Victim {
    Supervisor,
    Cell,
    Method,
    All,
}

/// Two methods and a floor on one system; one of the methods records a metric that is NaN.
fn arguments(project: &TestProject, out: &str) -> Vec<String> {
    let hostile = HOSTILE.argument();
    let more = ["--plugins", &hostile, "--methods", "jepa,hostile,features", "--checkpoint-every", "0"];
    let settings = ["--set", "jepa.noise=0.1", "--set", "hostile.fault=metric-nan", "--set", "hostile.slow=20"];
    project.all(Suite::Micro, JEPA, out, &[&more[..], &settings].concat())
}

/// The children of a process, and theirs.
fn descendants(id: u32) -> Vec<(u32, String)> {
    let tasks = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let lists = tasks.map(|task| fs::read_to_string(task.path().join("children")).unwrap_or_default());
    let children: Vec<u32> =
        lists.flat_map(|list| list.split_whitespace().flat_map(str::parse).collect::<Vec<_>>()).collect();
    let named = |id: u32| (id, fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default());
    children
        .into_iter()
        .flat_map(|child| [named(child)].into_iter().chain(descendants(child)).collect::<Vec<_>>())
        .collect()
}

/// Kills `victim` of a running program; false if it has none such now.
fn kill(running: &Running, victim: Victim) -> bool {
    let all = descendants(running.id());
    let with = |word: &str| all.iter().filter(|(_, line)| line.contains(word)).map(|(id, _)| *id).collect();
    let victims: Vec<u32> = match victim {
        Victim::Supervisor => vec![running.id()],
        Victim::Cell => with("--supervised"),
        Victim::Method => with("method-one"),
        Victim::All => all.iter().map(|(id, _)| *id).chain([running.id()]).collect(),
    };
    for &id in &victims {
        // SAFETY: `kill` has no preconditions.
        unsafe { libc::kill(id as i32, libc::SIGKILL) };
    }
    !victims.is_empty()
}

#[test]
fn whatever_is_killed_the_end_is_that_of_an_undisturbed_run() {
    let rounds = env::var("PHYSREP_KILL_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().expect("a number of kills"));
    let project = TestProject::new();
    let clock = Instant::now();
    project.run(arguments(&project, "whole")).exits_with(0);
    let length = clock.elapsed();
    let whole = outcome(&project.path("whole"));
    let mut random = Random::default();
    let mut hit: BTreeMap<Victim, u64> = BTreeMap::new();
    let mut lives = 0;
    while hit.values().sum::<u64>() < rounds {
        let out = format!("life{lives}");
        loop {
            let mut running = Running::start(project.command(arguments(&project, &out)));
            let victim = *random.pick(&[Victim::Supervisor, Victim::Cell, Victim::Method, Victim::All]);
            let delay = length.mul_f64(random.below(1000) as f64 / 1000.0);
            let started = Instant::now();
            while started.elapsed() < delay && !running.has_ended() {
                thread::sleep(Duration::from_millis(1));
            }
            if !running.has_ended() && kill(&running, victim) {
                *hit.entry(victim).or_default() += 1;
            }
            // The supervisor survives the death of a cell or a method and finishes the other cells.
            let output = running.output();
            match output.code {
                Some(0) => break,
                Some(3) | None => {}
                Some(code) => panic!("exit code {code} after the end of {victim:?}:\n{}\n{}", output.out, output.err),
            }
        }
        assert_same_outcome(&project.path(&out), &whole, &format!("after {hit:?}"));
        fs::remove_dir_all(project.path(&out)).expect("removable");
        lives += 1;
    }
    println!(
        "{} kills in {lives} runs: {hit:?}; all ended with the bytes of an undisturbed run",
        hit.values().sum::<u64>()
    );
}
