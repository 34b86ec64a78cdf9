//! Messages of a child process: one JSON object per line, on the standard output that it was started with.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Write},
    sync::{
        Mutex, OnceLock,
        mpsc::{self, Receiver},
    },
    thread,
};

use serde::{Serialize, de::DeserializeOwned};

/// The longest line that is read, in bytes; a longer one is no message.
const LINE: usize = 16 << 20;

/// Messages that wait to be handled; a child that sends more of them waits.
const QUEUE: usize = 1024;

/// The standard output that this process was started with, once [`redirect_prints`] has taken it.
static OUTPUT: OnceLock<Mutex<File>> = OnceLock::new();

/// Leaves standard output to the messages of this process: what a plugin prints there goes to standard error, the log.
///
/// # Errors
///
/// If the system cannot duplicate a descriptor.
pub(crate) fn redirect_prints() -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::fd::{AsFd, AsRawFd};
        // A process that a plugin starts does not inherit it.
        let output = io::stdout().as_fd().try_clone_to_owned()?;
        // SAFETY: both descriptors are open, and `dup2` replaces the second one at once.
        if unsafe { libc::dup2(io::stderr().as_raw_fd(), io::stdout().as_raw_fd()) } < 0 {
            return Err(io::Error::last_os_error());
        }
        let _ = OUTPUT.set(Mutex::new(output.into()));
    }
    Ok(())
}

/// The standard output that this process was started with; [`redirect_prints`] has left it to messages.
///
/// # Errors
///
/// If it was not, or the system cannot duplicate a descriptor.
pub(crate) fn take_output() -> io::Result<File> {
    match OUTPUT.get() {
        Some(output) => output.lock().unwrap_or_else(|e| e.into_inner()).try_clone(),
        None => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// The standard input that this process was started with. What a plugin reads there is empty from now on.
///
/// # Errors
///
/// If the system cannot duplicate a descriptor.
pub(crate) fn take_input() -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::fd::{AsFd, AsRawFd};
        let input = io::stdin().as_fd().try_clone_to_owned()?;
        let nothing = File::open("/dev/null")?;
        // SAFETY: both descriptors are open, and `dup2` replaces the second one at once.
        if unsafe { libc::dup2(nothing.as_raw_fd(), io::stdin().as_raw_fd()) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(input.into())
    }
    #[cfg(not(unix))]
    Err(io::ErrorKind::Unsupported.into())
}

/// Writes a message as a line.
///
/// # Errors
///
/// If nobody reads any more: this process should end.
pub(crate) fn send(message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    match OUTPUT.get() {
        Some(output) => output.lock().unwrap_or_else(|e| e.into_inner()).write_all(&line),
        None => {
            let mut out = io::stdout().lock();
            out.write_all(&line)?;
            out.flush()
        }
    }
}

/// The messages that a child writes to `output`. Other lines are ignored.
pub(crate) fn receive<T: DeserializeOwned + Send + 'static>(output: impl Read + Send + 'static) -> Receiver<T> {
    let (sender, messages) = mpsc::sync_channel(QUEUE);
    thread::spawn(move || {
        let (mut output, mut line) = (BufReader::new(output), Vec::new());
        while let Ok(true) = next_line(&mut output, &mut line) {
            if let Ok(message) = serde_json::from_slice(&line)
                && sender.send(message).is_err()
            {
                break;
            }
        }
    });
    messages
}

/// Reads a line, of which `line` gets the first [`LINE`] bytes; false at the end.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    loop {
        let bytes = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            bytes => bytes?,
        };
        if bytes.is_empty() {
            return Ok(!line.is_empty());
        }
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let count = end.unwrap_or(bytes.len());
        line.extend_from_slice(&bytes[..count.min(LINE - line.len())]);
        let consumed = count + usize::from(end.is_some());
        input.consume(consumed);
        if end.is_some() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_no_messages_are_ignored_and_long_ones_take_no_memory() {
        let long = vec![b'1'; LINE + 10];
        let text = [b"1\nnoise\n\n2\n".as_slice(), &long, b"\n3\n4"].concat();
        let mut input = BufReader::new(text.as_slice());
        let mut line = Vec::new();
        let mut lengths = Vec::new();
        while next_line(&mut input, &mut line).expect("readable") {
            lengths.push(line.len());
        }
        assert_eq!(lengths, [1, 5, 0, 1, LINE, 1, 1]);
        let messages = receive::<u64>(io::Cursor::new(b"1\nnoise\n\n2\n3".to_vec()));
        assert_eq!(messages.iter().collect::<Vec<_>>(), [1, 2, 3]);
    }
}
