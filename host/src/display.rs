//! Progress on standard error: bars on a terminal, plain lines otherwise.

use std::{
    collections::HashMap,
    io::{IsTerminal, stderr},
    sync::Mutex,
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use physrep_benchmarks::printable::{one_line, printable_lines};
use physrep_records::Device;
use physrep_runner::{DataProgress, DataStep, Phase, PhaseProgress, RunEvent, has_vector_kernels};

use crate::output::note;

/// The time between two plain lines for the same task.
const PLAIN_EVERY: Duration = Duration::from_secs(10);
/// The time between two tables of scores among plain lines.
const SCORES_EVERY: Duration = Duration::from_secs(60);

/// Shows the progress of named tasks; threads can share it.
#[derive(Debug)]
pub struct Display {
    bars: Option<MultiProgress>,
    overall: Mutex<Option<ProgressBar>>,
    scores: Mutex<Scores>,
    tasks: Mutex<HashMap<String, Task>>,
}

/// The scores so far.
#[derive(Debug, Default)]
struct Scores {
    bar: Option<ProgressBar>,
    /// When they were written among plain lines.
    written: Option<Instant>,
}

#[derive(Debug)]
struct Task {
    bar: ProgressBar,
    phase: String,
    /// When the last plain line was written, and the units done then.
    last_line: Option<(Instant, u64)>,
}

impl Default for Display {
    fn default() -> Self {
        Self {
            bars: stderr().is_terminal().then(MultiProgress::new),
            overall: Mutex::default(),
            scores: Mutex::default(),
            tasks: Mutex::default(),
        }
    }
}

impl Display {
    /// Writes a line above the bars.
    pub fn line(&self, text: &str) {
        match &self.bars {
            Some(bars) => {
                // A closed terminal must not stop the work.
                let _ = bars.println(printable_lines(text));
            }
            None => note!("{text}"),
        }
    }

    /// Says how slow the kernels are, where methods compute on a processor without vector instructions that they know.
    pub fn processor(&self, device: Device) {
        if device.is_cpu() && !has_vector_kernels() {
            self.line("this processor has no AVX2: methods in Rust compute with portable code, half as fast");
        }
    }

    /// Shows that `task` has done `done` of `total` units of `phase`; `note` is a detail, such as its loss.
    pub fn progress(&self, task: &str, phase: &str, done: u64, total: u64, note: &str) {
        let mut tasks = self.tasks.lock().unwrap_or_else(|e| e.into_inner());
        let entry = tasks.entry(task.to_owned()).or_insert_with(|| Task {
            bar: self.bar(task),
            phase: String::new(),
            last_line: None,
        });
        if entry.phase != phase {
            entry.phase = phase.to_owned();
            entry.last_line = None;
            entry.bar.reset_eta();
        }
        if self.bars.is_some() {
            entry.bar.set_length(total);
            entry.bar.set_position(done);
            entry.bar.set_message(one_line(&format!("{phase} {note}")));
            return;
        }
        let due = entry.last_line.is_none_or(|(last, _)| last.elapsed() >= PLAIN_EVERY);
        if due || done == total {
            // The pace since the last line, because units done by an earlier run would distort the total pace.
            let last = entry.last_line.replace((Instant::now(), done));
            let left = last.map(|(when, before)| remaining(when.elapsed(), done.saturating_sub(before), done, total));
            let left = left.unwrap_or_default();
            let separator = if note.is_empty() { "" } else { ", " };
            note!("{task}: {phase} {done}/{total}{separator}{note}{left}");
        }
    }

    /// Shows the progress of a phase of the cell called `title`.
    pub fn phase_progress(&self, title: &str, progress: &PhaseProgress) {
        if progress.phase != Phase::Start {
            self.progress(title, progress.phase.name(), progress.done, progress.total, &progress.figures());
        }
    }

    /// Shows the progress of preparing data as that of `task`.
    pub fn data_progress(&self, task: &str, progress: &DataProgress<'_>) {
        let step = match progress.step {
            DataStep::Generate => "generate",
            DataStep::Inspect => "MiB read",
            DataStep::Pack => "pack",
        };
        self.progress(task, step, progress.done, progress.total, progress.note);
    }

    /// Shows an event of a run.
    pub fn run_event(&self, event: &RunEvent<'_>) {
        match event {
            RunEvent::Kept(cell) => self.line(&format!("{}: done before, kept", cell.title())),
            RunEvent::SetAside { cell, aside } => {
                self.line(&format!(
                    "{}: its record was damaged, and is now {}; it runs again",
                    cell.title(),
                    aside.display()
                ));
            }
            RunEvent::Cells { done, total } => self.overall(*done, *total),
            RunEvent::Progress(cell, progress) => self.phase_progress(&cell.title(), progress),
            RunEvent::Done(cell, took) => {
                self.finish(&cell.title(), &format!("done in {}", seconds(took.as_secs_f64())));
            }
            RunEvent::Failed { cell, reason, log } => {
                self.finish(&cell.title(), &format!("failed: {reason} (log: {})", log.display()));
            }
            RunEvent::GpuBroken { gpu, reason } => {
                self.line(&format!("GPU {gpu} does not work any more: {reason}; it gets no more cells"));
            }
            RunEvent::Stopped(cell) => self.clear(&cell.title()),
            RunEvent::End => self.clear_overall(),
        }
    }

    /// On a terminal, shows the number of finished cells in a bar above all others.
    fn overall(&self, done: u64, total: u64) {
        let Some(bars) = &self.bars else {
            return;
        };
        let mut overall = self.overall.lock().unwrap_or_else(|e| e.into_inner());
        let bar = overall.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("cells [{bar:40}] {pos}/{len}, {elapsed} so far, {eta} left")
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("=> ");
            let bar = bars.insert(0, ProgressBar::new(total).with_style(style).with_position(done));
            bar.reset_eta();
            bar.enable_steady_tick(Duration::from_millis(500));
            bar
        });
        bar.set_position(done);
    }

    /// Shows the scores so far: on a terminal below the bars, as far as there is room, otherwise as lines now and then.
    pub fn scores(&self, table: &str) {
        if table.is_empty() {
            return;
        }
        let mut scores = self.scores.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(bars) = &self.bars {
            let template = || ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = scores.bar.get_or_insert_with(|| bars.add(ProgressBar::new(1).with_style(template())));
            bar.set_message(format!("\n{table}"));
        } else if scores.written.is_none_or(|last| last.elapsed() >= SCORES_EVERY) {
            scores.written = Some(Instant::now());
            note!("\n{table}\n");
        }
    }

    /// Removes the scores so far.
    pub fn clear_scores(&self) {
        if let Some(bar) = self.scores.lock().unwrap_or_else(|e| e.into_inner()).bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Removes the bar of finished cells.
    fn clear_overall(&self) {
        if let Some(bar) = self.overall.lock().unwrap_or_else(|e| e.into_inner()).take() {
            bar.finish_and_clear();
        }
    }

    /// Removes the bar of `task` and writes `text` as its last line.
    pub fn finish(&self, task: &str, text: &str) {
        self.clear(task);
        self.line(&format!("{task}: {text}"));
    }

    /// Removes the bar of `task`.
    pub fn clear(&self, task: &str) {
        if let Some(entry) = self.tasks.lock().unwrap_or_else(|e| e.into_inner()).remove(task) {
            entry.bar.finish_and_clear();
        }
    }

    fn bar(&self, task: &str) -> ProgressBar {
        let Some(bars) = &self.bars else {
            return ProgressBar::hidden();
        };
        let style = ProgressStyle::with_template("{prefix} [{bar:20}] {pos}/{len} eta {eta} {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        let bar = bars.insert(1, ProgressBar::new(1).with_style(style).with_prefix(one_line(task)));
        bar.enable_steady_tick(Duration::from_millis(500));
        bar
    }
}

/// The remaining time, for a line, at the pace of `recent` units in `elapsed`; empty if it is short or unknown.
fn remaining(elapsed: Duration, recent: u64, done: u64, total: u64) -> String {
    if recent == 0 || done >= total {
        return String::new();
    }
    let left = elapsed.as_secs_f64() * (total - done) as f64 / recent as f64;
    if left < 5.0 { String::new() } else { format!(", {} left", seconds(left)) }
}

/// A duration as text: `42 s`, `3 min 20 s`, `2 h 05 min`.
pub fn seconds(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}
