//! The standard error of a program: passed on to this process's own, which is the log, and its end kept for messages.

use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, Read, Write},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver},
    },
    thread,
    time::Duration,
};

/// Lines that are kept.
const LINES: usize = 3;

/// The longest part of a line that is kept, in bytes.
const LINE: u64 = 1 << 12;

/// How long the end of the output may come after that of the program: another one may hold it open.
const PATIENCE: Duration = Duration::from_millis(500);

/// The last lines of a program's standard error.
#[derive(Debug)]
pub(crate) struct LogTail {
    lines: Arc<Mutex<VecDeque<String>>>,
    ended: Receiver<()>,
}

impl LogTail {
    /// Passes `output` on to standard error, in a thread that ends with it.
    pub(crate) fn follow(output: impl Read + Send + 'static) -> Self {
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let (sender, ended) = mpsc::channel();
        let kept = lines.clone();
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            let mut line = Vec::new();
            // A very long line is passed on, and kept, in parts.
            while let Ok(1..) = output.by_ref().take(LINE).read_until(b'\n', &mut line) {
                // If the log is full, the program goes on.
                let _ = io::stderr().write_all(&line);
                let text = String::from_utf8_lossy(&line).trim().to_owned();
                line.clear();
                if !text.is_empty() {
                    let mut kept = kept.lock().unwrap_or_else(|e| e.into_inner());
                    kept.push_back(text);
                    while kept.len() > LINES {
                        kept.pop_front();
                    }
                }
            }
            let _ = sender.send(());
        });
        Self { lines, ended }
    }

    /// The last lines, once the program has ended, to append to a message.
    pub(crate) fn after_end(&self) -> String {
        let _ = self.ended.recv_timeout(PATIENCE);
        let lines = self.lines.lock().unwrap_or_else(|e| e.into_inner());
        match lines.len() {
            0 => String::new(),
            _ => format!("; its log ends: {}", lines.iter().cloned().collect::<Vec<_>>().join(" / ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept() {
        let tail = LogTail::follow(io::Cursor::new("one\ntwo\n\nthree\n  four  "));
        assert_eq!(tail.after_end(), "; its log ends: two / three / four");
        assert_eq!(LogTail::follow(io::empty()).after_end(), "");
    }
}
