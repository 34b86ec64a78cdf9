//! The command line: what was typed, turned into what is run.

use std::{path::PathBuf, process::ExitCode, thread, time::Duration};

use clap::{Args, Parser, Subcommand};
use physrep_benchmarks::{suite::Suite, systems};

use crate::{
    Error, Result, all, bench, compare, crates, data,
    device::{Choice, Device},
    doctor, encode,
    events::Event,
    interrupt, merge,
    plugin::Plugin,
    report, result, status,
    supervise::Policy,
    table, tensorboard, verify, worker,
};

/// How much physics does a learned representation hold? Trains encoder methods on physical systems without labels,
/// freezes them, and scores how well probes read the physical parameters from what they learned.
#[derive(Debug, Parser)]
#[command(name = "physrep-bench", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a suite: generate data if missing, build plugin crates if stale, run what is not done, print the tables.
    All(AllArgs),
    /// Work with a suite's data.
    Data {
        #[command(subcommand)]
        command: data::Command,
    },
    /// Compare two runs of one suite: what changed, and whether it matters.
    Compare(compare::Compare),
    /// Time a method's training or encoding on clips of a given shape; prints JSON.
    Bench(bench::Bench),
    /// Say what this machine offers, and what it lacks.
    Doctor,
    /// Embed clips with a method and a checkpoint.
    Encode(EncodeArgs),
    /// Join the runs of several machines.
    Merge(merge::Merge),
    /// Write a run as one HTML page that needs no network, and its figures as SVG and CSV.
    Report(report::Command),
    /// Print the JSON Schema of a cell's record.
    Schema,
    /// Say how a run stands, from another shell too.
    Status(status::Command),
    /// Print the tables of a run.
    Table(table::command::Command),
    /// Write the curves of a run as TensorBoard's event files.
    Tensorboard(tensorboard::Command),
    /// Run a cell again and compare its scores with its record.
    VerifyResult {
        #[command(flatten)]
        verify: verify::Verify,
        /// Threads [default: all cores].
        #[arg(long)]
        threads: Option<usize>,
    },
    /// List the methods, systems or suites there are.
    List {
        /// What to list.
        #[arg(value_enum)]
        what: What,
        /// Plugin crates, folders of crates, or libraries [default: the checkout's plugins folder].
        #[arg(long, value_name = "PATH")]
        plugins: Vec<PathBuf>,
    },
    /// Measure in a process of its own; started by `bench`.
    #[command(hide = true)]
    BenchWorker {
        /// What to measure, as JSON.
        task: String,
    },
    /// Run one cell; started by `all`.
    #[command(hide = true)]
    Worker {
        /// The cell's folder.
        cell: PathBuf,
        /// The folder of its pretraining.
        #[arg(long)]
        pretraining: PathBuf,
        /// Seconds between checkpoints.
        #[arg(long)]
        checkpoint_every: f64,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    Methods,
    Systems,
    Suites,
}

#[derive(Debug, Args)]
struct AllArgs {
    /// A suite's name, or the path of a suite file.
    #[arg(long, default_value = "tiny")]
    suite: String,
    /// Where the data lies or is to be generated [default: data/SUITE].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where results go [default: runs/SUITE].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Plugin crates, folders of crates, or libraries [default: the checkout's plugins folder].
    #[arg(long, value_name = "PATH")]
    plugins: Vec<PathBuf>,
    /// Only these methods, separated by commas; `features` and `mean` are the floors [default: all].
    #[arg(long, value_delimiter = ',')]
    methods: Vec<String>,
    /// Only these systems, separated by commas [default: all of the suite].
    #[arg(long, value_delimiter = ',')]
    systems: Vec<String>,
    /// These seeds, separated by commas, instead of the suite's.
    #[arg(long, value_delimiter = ',')]
    seeds: Vec<u64>,
    /// Override one key of a method's configuration, such as jepa.lr=1e-3.
    #[arg(long, value_name = "METHOD.KEY=VALUE")]
    set: Vec<String>,
    /// Where methods compute; auto is the first NVIDIA card if there is one, else the CPU.
    #[arg(long, default_value = "auto", value_name = "auto|cpu|cuda:N")]
    device: Choice,
    /// Cells that run at a time.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Threads of each [default: all cores, shared among the jobs].
    #[arg(long)]
    threads: Option<usize>,
    /// Seconds without progress after which a cell is taken to hang and is killed.
    #[arg(long, default_value_t = 600.0, value_name = "SECONDS")]
    stall_timeout: f64,
    /// Seconds between checkpoints of pretraining.
    #[arg(long, default_value_t = 30.0, value_name = "SECONDS")]
    checkpoint_every: f64,
}

#[derive(Debug, Args)]
struct EncodeArgs {
    /// The method.
    #[arg(long)]
    method: String,
    /// Override one key of the method's configuration, such as dims=[16,32,64,128,128].
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The encoder's weights: a state that a run left, a safetensors file, or a PyTorch state dict (.pth).
    #[arg(long, value_name = "FILE")]
    checkpoint: PathBuf,
    /// Which of the systems that a run's state was pretrained on the clips are of [default: the only one].
    #[arg(long)]
    system: Option<String>,
    /// A safetensors file with the tensor `input`, (B, C, T, H, W).
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// The safetensors file that gets the tensor `embedding`, (B, tokens, dim).
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Plugin crates, folders of crates, or libraries [default: the checkout's plugins folder].
    #[arg(long, value_name = "PATH")]
    plugins: Vec<PathBuf>,
    /// Where to compute; auto is the first NVIDIA card if there is one, else the CPU.
    #[arg(long, default_value = "auto", value_name = "auto|cpu|cuda:N")]
    device: Choice,
}

/// Runs the command line. Exit codes: 0 all is done, 1 an error, 2 wrong usage, 3 some cells have no result, 130
/// interrupted.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(code) => code,
        // Whatever was said on the way out, this is why.
        Err(_) if interrupt::requested() => {
            eprintln!("{}", Error::Interrupted);
            ExitCode::from(interrupt::EXIT_CODE)
        }
        Err(error @ Error::Usage(_)) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::All(args) => match all::run(&args.resolve()?)? {
            0 => Ok(ExitCode::SUCCESS),
            _ => Ok(ExitCode::from(3)),
        },
        Command::Compare(command) => compare::run(&command).map(|()| ExitCode::SUCCESS),
        Command::Merge(command) => merge::run(&command).map(|()| ExitCode::SUCCESS),
        Command::Report(command) => report::run(&command).map(|()| ExitCode::SUCCESS),
        Command::Schema => {
            println!("{:#}", result::json_schema());
            Ok(ExitCode::SUCCESS)
        }
        Command::Status(command) => status::run(&command).map(|()| ExitCode::SUCCESS),
        Command::Tensorboard(command) => tensorboard::run(&command).map(|()| ExitCode::SUCCESS),
        Command::Table(command) => table::command::run(&command).map(|()| ExitCode::SUCCESS),
        Command::VerifyResult { verify, threads } => {
            let policy = Policy {
                jobs: 1,
                threads: threads.unwrap_or_else(cores).max(1),
                stall_timeout: Duration::from_secs(600),
                checkpoint_every: Duration::from_secs(600),
            };
            Ok(if verify::run(&verify, policy)? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Bench(bench) => bench::run(&bench).map(|()| ExitCode::SUCCESS),
        Command::BenchWorker { task } => bench::worker(&task).map(|()| ExitCode::SUCCESS),
        Command::Data { command } => data::run(command),
        Command::Doctor => Ok(if doctor::run() { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        Command::Encode(args) => {
            encode::run(&encode::Encode {
                method: args.method,
                plugins: args.plugins,
                set: args.set,
                checkpoint: args.checkpoint,
                system: args.system,
                input: args.input,
                output: args.output,
                device: args.device,
            })?;
            Ok(ExitCode::SUCCESS)
        }
        Command::List { what, plugins } => list(what, &plugins),
        Command::Worker { cell, pretraining, checkpoint_every } => {
            let outcome = duration("--checkpoint-every", checkpoint_every)
                .and_then(|every| worker::run(&cell, &pretraining, every));
            let (event, code) = match outcome {
                Err(Error::Interrupted) => return Ok(ExitCode::from(interrupt::EXIT_CODE)),
                Ok(()) => (Event::Done, ExitCode::SUCCESS),
                Err(error) => (Event::Failed { reason: error.to_string() }, ExitCode::FAILURE),
            };
            event.send().map_err(Error::io("standard output"))?;
            Ok(code)
        }
    }
}

fn list(what: What, plugins: &[PathBuf]) -> Result<ExitCode> {
    match what {
        What::Methods => {
            for source in crates::sources(plugins)? {
                match source.library(Device::Cpu).and_then(|library| Plugin::open(&library)) {
                    Ok(plugin) => {
                        let text = |key: &str| plugin.description()[key].as_str().unwrap_or_default().to_owned();
                        println!("{:12} {} {}", plugin.name(), text("summary"), text("reference"));
                        println!("{:12} config: {}", "", plugin.description()["config"]);
                    }
                    Err(error) => eprintln!("{error}"),
                }
            }
            println!("{:12} Floor: ridge regression on hand-made statistics of the fields.", "features");
            println!("{:12} Floor: the mean of the training labels.", "mean");
        }
        What::Systems => systems::names().for_each(|name| println!("{name}")),
        What::Suites => Suite::names().for_each(|name| println!("{name}")),
    }
    Ok(ExitCode::SUCCESS)
}

impl AllArgs {
    /// What was typed, checked and completed.
    fn resolve(self) -> Result<all::All> {
        if self.jobs == 0 || self.threads == Some(0) {
            return Err(Error::Usage("--jobs and --threads must be 1 or more".into()));
        }
        Ok(all::All {
            policy: Policy {
                jobs: self.jobs,
                threads: self.threads.unwrap_or_else(|| (cores() / self.jobs).max(1)),
                stall_timeout: duration("--stall-timeout", self.stall_timeout)?,
                checkpoint_every: duration("--checkpoint-every", self.checkpoint_every)?,
            },
            suite: self.suite,
            data: self.data,
            out: self.out,
            plugins: self.plugins,
            methods: self.methods,
            systems: self.systems,
            seeds: self.seeds,
            set: self.set,
            device: self.device,
        })
    }
}

/// The seconds given with an option.
pub(crate) fn duration(option: &str, seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|e| Error::Usage(format!("{option} {seconds}: expected a number of seconds, 0 or more ({e})")))
}

/// Cores this process may use.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
