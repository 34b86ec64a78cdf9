//! Standard output and standard error. What reads the first may stop reading, as `head` and pagers do, and then there is nothing left to
//! say.

use std::{
    fmt::Arguments,
    io::{self, ErrorKind, Write, stderr, stdout},
    process,
};

/// Writes a line to standard output, as `println!` does.
macro_rules! say {
    ($($text:tt)*) => { $crate::output::write(format_args!("{}\n", format_args!($($text)*))) };
}
pub(crate) use say;

/// Writes a line to standard error, as `eprintln!` does. One that cannot be written, as to a full disk, is lost: it is no reason to stop.
macro_rules! note {
    ($($text:tt)*) => { $crate::output::write_note(format_args!("{}\n", format_args!($($text)*))) };
}
pub(crate) use note;

/// Writes text to standard error, if that can be written.
pub fn write_note(text: Arguments<'_>) {
    let _ = stderr().write_fmt(text);
}

/// Writes text to standard output. If nobody reads any more, the program ends as one that the pipe's signal ends; if the text cannot be
/// written, as to a full disk, it ends with an error.
pub fn write(text: Arguments<'_>) {
    let mut output = stdout().lock();
    check(output.write_fmt(text).and_then(|()| output.flush()));
}

/// Ends the program as [`write()`] does if standard output could not be written.
pub fn check(written: io::Result<()>) {
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => process::exit(141),
        Err(error) => {
            note!("error: standard output cannot be written: {error}");
            process::exit(1);
        }
    }
}
