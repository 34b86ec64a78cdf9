//! Standard output. What reads it may stop reading, as `head` and pagers do, and then there is nothing left to say.

use std::{
    fmt::Arguments,
    io::{ErrorKind, Write, stdout},
    process,
};

/// Writes a line to standard output, as `println!` does.
macro_rules! say {
    ($($text:tt)*) => { $crate::output::write(format_args!("{}\n", format_args!($($text)*))) };
}
pub(crate) use say;

/// Writes text to standard output. If nobody reads any more, the program ends as one that the pipe's signal ends; if the text cannot be
/// written, as to a full disk, it ends with an error.
pub fn write(text: Arguments<'_>) {
    let mut output = stdout().lock();
    match output.write_fmt(text).and_then(|()| output.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => process::exit(141),
        Err(error) => {
            // Standard error may be gone, too.
            let _ = writeln!(std::io::stderr(), "error: standard output cannot be written: {error}");
            process::exit(1);
        }
    }
}
