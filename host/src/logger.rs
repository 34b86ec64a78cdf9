//! The log: lines such as `Warn: ...` on standard error, which the process of a cell has redirected to its log file.

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::output::note;

struct StandardError;

impl Log for StandardError {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Log lines of libraries are for their developers.
        metadata.target().starts_with("physrep")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let level = match record.level() {
            Level::Error => "Error",
            Level::Warn => "Warn",
            Level::Info => "Info",
            Level::Debug | Level::Trace => "Debug",
        };
        note!("{level}: {}", record.args());
    }

    fn flush(&self) {}
}

/// Starts logging.
pub fn install() {
    // It can fail only if a logger is already installed.
    if log::set_logger(&StandardError).is_ok() {
        log::set_max_level(LevelFilter::Debug);
    }
}
