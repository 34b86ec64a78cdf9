//! What it does instead of what it is asked for.

use std::{
    env, fs, hint,
    io::{self, Read, Write},
    os::fd::FromRawFd,
    process::{self, Command},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use physrep_plugin_api::{Result, Step, Tensor};

static CALLS: AtomicU32 = AtomicU32::new(0);

/// Every fault that [`misbehave`] knows, beside `none`, those of [`metrics`], and `unused` (a parameter without gradient).
pub fn misbehave(fault: &str, tensor: Tensor) -> Result<Tensor> {
    match fault {
        // ends of its process
        "panic" => panic!("hostile on purpose"),
        "abort" => process::abort(),
        "exit" => process::exit(0),
        "exit-3" => process::exit(3),
        "kill" => raise(libc::SIGKILL),
        "segfault" => raise(libc::SIGSEGV),
        "fork" => {
            // SAFETY: the child, which keeps all descriptors open, only waits for its end.
            if unsafe { libc::fork() } == 0 {
                sleep_for_ever()
            }
            raise(libc::SIGSEGV)
        }
        "illegal" => raise(libc::SIGILL),
        "divide" => raise(libc::SIGFPE),
        "alarm" => {
            // SAFETY: the call has no preconditions.
            unsafe { libc::alarm(1) };
            sleep_for_ever()
        }
        "overflow" => {
            hint::black_box(overflow(0));
        }
        "allocate" => {
            hint::black_box(vec![1u8; 1 << 46]);
        }
        "done" => {
            println!("\n{{\"event\":\"done\"}}");
            process::exit(0)
        }
        "orphan" => {
            let sleep = Command::new("sleep").arg("600").spawn();
            process::exit(i32::from(sleep.is_err()));
        }
        // hangs
        "loop" => sleep_for_ever(),
        "spin" => loop {
            hint::spin_loop();
        },
        "stop" => {
            raise(libc::SIGSTOP);
            sleep_for_ever()
        }
        "deaf" => {
            for_pipes(|descriptor| {
                // SAFETY: nothing else of this method uses the descriptor.
                unsafe { libc::close(descriptor) };
            });
            sleep_for_ever()
        }
        "thief" => {
            for_pipes(|descriptor| {
                thread::spawn(move || io::copy(&mut file(descriptor), &mut io::sink()));
            });
        }
        // answers that nobody asked for
        "escape-pipe" => for_pipes(|descriptor| {
            let answer = br#"{"\u001b[2Jcleared":1}"#;
            let lengths = [&(answer.len() as u32).to_le_bytes()[..], &0u64.to_le_bytes()].concat();
            drop(file(descriptor).write_all(&[&lengths[..], answer].concat()));
        }),
        "garbage" => for_pipes(|descriptor| drop(file(descriptor).write_all(&[0xff; 64]))),
        "forgery" => for_pipes(|descriptor| {
            let answer = br#"{"Tokens":[1,1,1]}"#;
            let lengths = [&(answer.len() as u32).to_le_bytes()[..], &4u64.to_le_bytes()].concat();
            drop(file(descriptor).write_all(&[&lengths[..], answer, &[0; 4]].concat()));
        }),
        // errors
        "error" => return Err("an error on purpose".into()),
        "silence" => return Err("".into()),
        "novel" => return Err("long ".repeat((16 << 20) / 5).as_str().into()),
        "escape" => return Err("\x1b[2J\x1b]0;title\x07=cmd|' /C calc'!A0 <script>alert(1)</script>".into()),
        // tensors
        "nan" => return Ok((tensor * f64::NAN)?),
        "infinite" => return Ok((tensor * f64::INFINITY)?),
        "batch" => return Ok(tensor.broadcast_sub(&tensor.mean_keepdim(0)?)?),
        "unsteady" => {
            let odd = CALLS.fetch_add(1, Ordering::Relaxed) % 2;
            return Ok((tensor * (1.0 + 1e-6 * f64::from(odd)))?);
        }
        "wider" => {
            let copies = 1 + CALLS.fetch_add(1, Ordering::Relaxed) as usize;
            return Ok(Tensor::cat(&vec![&tensor; copies], tensor.rank() - 1)?);
        }
        "fewer" => return Ok(tensor.narrow(0, 0, tensor.dim(0)? - 1)?),
        "scalar" => return Ok(tensor.sum_all()?),
        // noise
        "print" => println!("{{\"event\":\"nonsense\"}}\nnot an event at all"),
        "flood" => print!("{}", "x".repeat(64 << 20)),
        "flood-log" => eprint!("{}", "x".repeat(64 << 20)),
        // changes of its process, which are its own
        "python" => {
            let script = "import json, numpy, subprocess, tempfile; tempfile.TemporaryFile(); subprocess.run(['true'], check=True)";
            let output = Command::new("python3").args(["-c", script]).output().map_err(|e| e.to_string());
            let output = output.map_err(physrep_plugin_api::Error::Other)?;
            if !output.status.success() {
                return Err(physrep_plugin_api::Error::Other(String::from_utf8_lossy(&output.stderr).into_owned()));
            }
        }
        "chdir" => drop(env::set_current_dir("/")),
        "umask" => {
            // SAFETY: the call has no preconditions.
            unsafe { libc::umask(0o777) };
        }
        "thread" => drop(thread::spawn(|| panic!("in a thread")).join()),
        "scratch" => drop(fs::write(env::temp_dir().join("large"), vec![1; 64 << 20])),
        "daemon" => {
            let started = Command::new("sh").args(["-c", "setsid sleep 600 & sleep 600 &"]).spawn();
            drop(started.and_then(|mut child| child.wait()));
        }
        "environment" => {
            // SAFETY: no other thread reads the environment meanwhile.
            unsafe { env::set_var("RAYON_NUM_THREADS", "many") }
        }
        "deafness" => {
            for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGUSR1, libc::SIGPIPE, libc::SIGCHLD] {
                // SAFETY: ignoring a signal runs no code.
                unsafe { libc::signal(signal, libc::SIG_IGN) };
            }
        }
        "priority" => {
            // SAFETY: the call has no preconditions.
            unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 19) };
        }
        "session" => {
            // SAFETY: the call has no preconditions.
            unsafe { libc::setsid() };
        }
        "limits" => {
            let few = libc::rlimit { rlim_cur: 16, rlim_max: 16 };
            // SAFETY: the pointer is to a limit that outlives the call.
            unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &few) };
        }
        "rounding" => round_upwards(),
        _ => {}
    }
    Ok(tensor)
}

/// Metrics that a curve has no place for, and too many of them.
pub fn metrics(fault: &str, step: &Step) -> Result<()> {
    let number = |value: f64| Tensor::new(value, &physrep_plugin_api::Device::Cpu);
    match fault {
        "metric-nan" => step.metric("nan", &number(f64::NAN)?)?,
        "metric-step" => step.metric("step", &number(7.0)?)?,
        "metric-loss" => step.metric("loss", &number(-1.0)?)?,
        "metric-name" => step.metric("a\n\x1b[2J\"b", &number(1.0)?)?,
        "metric-flood" => {
            for index in 0..2_000 {
                step.metric(&format!("m{}", index % 50), &number(f64::from(index))?)?;
            }
        }
        "log-flood" => (0..20_000).for_each(|index| step.log(&format!("line {index}"))),
        _ => {}
    }
    Ok(())
}

fn raise(signal: i32) {
    // SAFETY: the signal ends or stops this process, which is the intention.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::kill(libc::getpid(), signal);
    }
}

fn sleep_for_ever() -> ! {
    loop {
        thread::sleep(Duration::from_millis(10));
    }
}

#[allow(unconditional_recursion)]
fn overflow(depth: u64) -> u64 {
    let page = hint::black_box([depth; 512]);
    overflow(depth + 1) + page[511]
}

/// Calls `each` with the descriptors of this process beyond its standard streams.
fn for_pipes(each: impl FnMut(i32)) {
    (3..100).for_each(each);
}

/// A descriptor as a file, which stays open.
fn file(descriptor: i32) -> impl Read + Write {
    struct Open(std::mem::ManuallyDrop<fs::File>);
    impl Read for Open {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            self.0.read(bytes)
        }
    }
    impl Write for Open {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    // SAFETY: a descriptor that is not open gives errors, and this file is never closed.
    Open(std::mem::ManuallyDrop::new(unsafe { fs::File::from_raw_fd(descriptor) }))
}

/// Rounds upwards from now on, in this thread.
fn round_upwards() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: only the rounding mode changes; every x86-64 processor has SSE.
    unsafe {
        #[allow(deprecated)]
        std::arch::x86_64::_MM_SET_ROUNDING_MODE(std::arch::x86_64::_MM_ROUND_UP);
    }
}
