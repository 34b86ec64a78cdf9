//! The log: lines such as `Warn: ...` on standard error, which for the process of a cell is its log file.

use log::{Level, LevelFilter, Log, Metadata, Record};

struct StandardError;

impl Log for StandardError {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Libraries log for their own developers.
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
        eprintln!("{level}: {}", record.args());
    }

    fn flush(&self) {}
}

/// Starts logging.
pub fn install() {
    // It is installed once, at the start of the program.
    if log::set_logger(&StandardError).is_ok() {
        log::set_max_level(LevelFilter::Debug);
    }
}
