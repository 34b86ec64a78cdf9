//! Standard output and standard error: the only way to both. What reads them may stop reading, as `head` and pagers do, and their disk may
//! be full. Text of others cannot control the terminal.

use std::{
    fmt::{Arguments, Display},
    io::{ErrorKind, Write, stderr, stdout},
    process,
};

use physrep_benchmarks::printable::printable_lines;

/// Writes a line to standard output.
macro_rules! say {
    ($($text:tt)*) => { $crate::output::write(&format!("{}\n", format_args!($($text)*))) };
}
pub(crate) use say;

/// Writes a line to standard error.
macro_rules! note {
    ($($text:tt)*) => { $crate::output::write_note(format_args!($($text)*)) };
}
pub(crate) use note;

/// Writes text to standard output, without what controls a terminal.
pub fn write(text: &str) {
    write_styled(printable_lines(text));
}

/// Writes text to standard output that has the styles of a terminal, and nothing of others that controls one. If nobody reads any more,
/// the program ends as one that the pipe's signal ends; if the text cannot be written, as to a full disk, it ends with an error.
pub fn write_styled(text: impl Display) {
    let mut output = stdout().lock();
    match write!(output, "{text}").and_then(|()| output.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => process::exit(141),
        Err(error) => {
            note!("error: standard output cannot be written: {error}");
            process::exit(1);
        }
    }
}

/// Writes a line to standard error, without what controls a terminal. Where it cannot be written there is nobody to tell, and the work goes
/// on: the exit code says how it ended.
pub fn write_note(text: Arguments<'_>) {
    let line = printable_lines(&text.to_string()) + "\n";
    let _ = stderr().lock().write_all(line.as_bytes());
}
