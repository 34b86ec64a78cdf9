//! The program of a method, as a child process: its lines in and out, and how it ended.
//!
//! Lines go through two pipes of their own. What the program prints goes to the log, whenever it prints.

use std::{
    ffi::OsString,
    io::{self, BufRead, BufReader, PipeReader, PipeWriter, Read, Write, pipe},
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{arrays_file::ArraysFile, config::Config, log_tail::LogTail, python, setup};

/// The longest line that is read, in bytes.
const LONGEST_LINE: u64 = 4 << 20;

/// How long a program may take to end once it is to end.
const GRACE: Duration = Duration::from_millis(800);

/// Variables with the numbers of the descriptors on which the program reads requests and writes answers.
const REQUESTS: &str = "PHYSREP_REQUESTS";
const ANSWERS: &str = "PHYSREP_ANSWERS";

/// Variables that set the number of threads of numerical libraries.
const THREADS: [&str; 7] = [
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NPROC", // XLA
];

/// A running program. It ends when this is dropped, or with this process.
#[derive(Debug)]
pub(crate) struct Program {
    process: Child,
    requests: Option<PipeWriter>,
    answers: BufReader<PipeReader>,
    log: LogTail,
    /// The file that this process writes.
    pub(crate) arrays_of_host: ArraysFile,
    /// The file that the program writes.
    pub(crate) arrays_of_method: ArraysFile,
}

impl Program {
    /// Starts the program of `config` in its folder. It may write to `scratch`; without `gpu`, it sees none.
    ///
    /// # Errors
    ///
    /// Why it does not start.
    pub(crate) fn start(config: &Config, scratch: &Path, gpu: bool) -> Result<Self, String> {
        let [program, arguments @ ..] = config.command.as_slice() else {
            return Err("the command of method.toml is empty; expected a program and its arguments".into());
        };
        let fail = |what: &str| {
            let what = what.to_owned();
            move |error: io::Error| format!("{what}: {error}")
        };
        let arrays = || ArraysFile::create().map_err(fail("no memory for arrays"));
        let (arrays_of_host, arrays_of_method) = (arrays()?, arrays()?);
        let path = python::install(scratch).map_err(fail("the package physrep cannot be written to scratch"))?;
        // A path is relative to the method's folder; a bare name is looked up on PATH.
        let resolved = if program.contains('/') { config.folder.join(program).into() } else { OsString::from(program) };
        let mut command = Command::new(resolved);
        command.args(arguments).current_dir(&config.folder);
        command.env("PYTHONPATH", path);
        // The method's folder stays as it is, prints are in the log before a crash, and sets have the same order in every process.
        for (name, value) in [
            ("PYTHONDONTWRITEBYTECODE", "1"),
            ("PYTHONUNBUFFERED", "1"),
            ("PYTHONHASHSEED", "0"),
            ("PYTHONFAULTHANDLER", "1"),
        ] {
            command.env(name, value);
        }
        for name in THREADS {
            command.env(name, setup::threads().to_string());
        }
        if !gpu {
            command.env("CUDA_VISIBLE_DEVICES", "").env("JAX_PLATFORMS", "cpu");
        }
        end_with_this_process(&mut command);
        let pipes = || pipe().map_err(fail("no pipe"));
        let ((its_requests, requests), (answers, its_answers), (log, its_log)) = (pipes()?, pipes()?, pipes()?);
        command.env(REQUESTS, inherited(its_requests.as_fd()).map_err(fail("no pipe"))?);
        command.env(ANSWERS, inherited(its_answers.as_fd()).map_err(fail("no pipe"))?);
        let prints = its_log.try_clone().map_err(fail("no pipe"))?;
        let process = command
            .stdin(Stdio::null())
            .stdout(prints)
            .stderr(its_log)
            .spawn()
            .map_err(fail(&format!("`{}` of its method.toml does not start", config.command.join(" "))))?;
        let (requests, answers) = (Some(requests), BufReader::new(answers));
        // What is left of the program's ends, and of the command that has some, is closed here: answers end with the program.
        Ok(Self { process, requests, answers, log: LogTail::follow(log), arrays_of_host, arrays_of_method })
    }

    /// Writes a line.
    pub(crate) fn send(&mut self, line: &str) -> io::Result<()> {
        let requests = self.requests.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        requests.write_all(format!("{line}\n").as_bytes())
    }

    /// Reads a line, without its end; none at their end.
    ///
    /// # Errors
    ///
    /// What was expected and what came.
    pub(crate) fn receive(&mut self) -> Result<Option<Vec<u8>>, String> {
        let mut line = Vec::new();
        let read = self.answers.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        read.map_err(|error| format!("answers cannot be read: {error}"))?;
        match line.pop() {
            Some(b'\n') => Ok(Some(line)),
            Some(_) if line.len() as u64 + 1 == LONGEST_LINE => {
                Err(format!("a line of more than {LONGEST_LINE} bytes; arrays belong into the file of arrays"))
            }
            // A line that breaks off: its process has ended, and that is the better reason.
            _ => Ok(None),
        }
    }

    /// Ends a program that does not answer any more. Says how it ended, and gives the end of its log to append.
    pub(crate) fn end(&mut self) -> (String, String) {
        drop(self.requests.take());
        let how = match self.wait() {
            Some(status) => format!("ended ({status})"),
            None => "closed its pipe of answers".into(),
        };
        (how, self.log.after_end())
    }

    /// Waits for its end, and kills it after [`GRACE`].
    fn wait(&mut self) -> Option<ExitStatus> {
        let clock = Instant::now();
        while clock.elapsed() < GRACE {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Some(status);
            }
            thread::sleep(Duration::from_millis(1));
        }
        // Where a method may send no signals, the program ends with this process.
        if self.process.kill().is_ok() {
            let _ = self.process.wait();
        }
        None
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.requests.take());
        self.wait();
    }
}

/// Makes programs that this process starts inherit a descriptor. Gives its number.
fn inherited(descriptor: BorrowedFd<'_>) -> io::Result<String> {
    rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::empty())?;
    Ok(descriptor.as_raw_fd().to_string())
}

/// Makes a program end when this process ends, for any reason: it may be in an endless loop.
fn end_with_this_process(command: &mut Command) {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt;
        // SAFETY: the call only sets an attribute of the new process, and is safe between fork and exec.
        unsafe {
            command.pre_exec(|| match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) {
                0 => Ok(()),
                _ => Err(io::Error::last_os_error()),
            });
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}
