//! What the program printed.

use std::process;

/// The exit code and the output of a command that has ended.
pub struct Output {
    /// `None` if a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<process::Output> for Output {
    fn from(output: process::Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Output {
    /// Asserts the exit code.
    #[track_caller]
    pub fn exits_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "exit code; stdout and stderr were:\n{}\n{}", self.out, self.err);
        self
    }

    /// Asserts that exactly one line of stderr is an error.
    #[track_caller]
    pub fn has_one_error_line(&self) {
        assert_eq!(self.err.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{}", self.err);
    }
}
