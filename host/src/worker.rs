//! The worker process of one cell: pretrain, encode, probe, and leave the result.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use physrep_abi::LogLevel;
use physrep_benchmarks::{packed::Packed, split::Split};

use crate::{
    Error, Result,
    cell::{Cell, CellFolder, Encoder, Initialisation},
    embed::{self, Embedded},
    environment::{Environment, peak_memory_mib},
    events::{Event, Phase},
    files, finetune,
    plugin::{Callbacks, Geometry, Plugin, Session, SessionSpec},
    pretrain::{self, Curves},
    probe::{Probe, attentive},
    probing::{self, Probed},
    result::{CellResult, Cost, EncoderFacts, SCHEMA, Track},
};

/// Runs the cell in `folder` to its result, going on from its checkpoint if it has one.
///
/// `checkpoint_every` is the time between checkpoints of pretraining.
pub fn run(folder: &Path, checkpoint_every: Duration) -> Result<()> {
    end_with_supervisor();
    physrep_nn::keep_freed_memory();
    let folder = CellFolder::at(folder.to_owned());
    let cell: Cell = files::read_json(&folder.spec())?;
    let mut progress = Progress::new();
    progress.report(Phase::Start, 0, 1, String::new())?;
    let data = Packed::open(&cell.data)?;
    if data.header().checksum != cell.data_checksum {
        return Err(Error::File {
            path: cell.data.clone(),
            reason: "the packed data changed since this cell was planned; run the same command again".into(),
        });
    }

    let mut cost = Cost::default();
    let (probed, encoder) = match &cell.encoder {
        Encoder::Plugin { .. } => {
            let (probed, facts) = plugin_cell(&cell, &folder, &data, checkpoint_every, &mut progress, &mut cost)?;
            (probed, Some(facts))
        }
        Encoder::Mean => {
            let embedded = embed::with_nothing(&cell, &data)?;
            (probed(&cell, &embedded, &mut progress, &mut cost)?, None)
        }
        Encoder::Features => {
            let clock = Instant::now();
            let embedded = embed::with_features(&cell, &data, |done, total| {
                progress.report(Phase::Encode, done, total, String::new())
            })?;
            cost.encoded(&embedded, clock);
            (probed(&cell, &embedded, &mut progress, &mut cost)?, None)
        }
    };
    cost.peak_memory_mib = peak_memory_mib();
    let result = CellResult {
        schema: SCHEMA,
        key: cell.key(),
        suite: cell.suite.name.clone(),
        suite_version: cell.suite.version,
        system: cell.system.clone(),
        method: cell.method().to_owned(),
        initialisation: cell.initialisation(),
        seed: cell.seed,
        parameters: data.header().scalings.iter().map(|scaling| scaling.name.clone()).collect(),
        scores: probed.scores,
        chosen: probed.chosen,
        encoder,
        environment: Environment::now(&cell.data_checksum, cell.device),
        cost,
    };
    files::write_json(&folder.result(), &result)?;
    // Without these the cell is no less done.
    let _ = fs::remove_file(folder.checkpoint());
    let _ = fs::remove_file(folder.failure());
    let _ = fs::remove_dir_all(folder.scratch());
    Ok(())
}

/// Asks the system to end this process when its supervisor ends, however that came about: a method that loops would
/// never notice.
pub(crate) fn end_with_supervisor() {
    #[cfg(target_os = "linux")]
    // SAFETY: sets an attribute of this process.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
    }
}

/// The probes of a row: the suite's for an encoder, and the one that makes it a floor for the others.
fn probes(cell: &Cell) -> Vec<Probe> {
    match &cell.encoder {
        Encoder::Plugin { .. } => {
            let budget = &cell.suite.probe.attentive;
            let attentive = attentive::Config {
                epochs: budget.epochs,
                batch: budget.batch,
                learning_rate: budget.lr,
                weight_decay: budget.weight_decay,
            };
            vec![Probe::Attentive(attentive), Probe::Ridge(Default::default())]
        }
        Encoder::Features => vec![Probe::Ridge(Default::default())],
        Encoder::Mean => vec![Probe::Mean],
    }
}

/// Fits and scores the cell's probes.
fn probed(cell: &Cell, embedded: &Embedded, progress: &mut Progress, cost: &mut Cost) -> Result<Probed> {
    let clock = Instant::now();
    let probed = probing::run(&probes(cell), embedded, cell.seed, |done, total| {
        progress.report(Phase::Probe, done, total, String::new())
    })?;
    cost.probe_seconds = clock.elapsed().as_secs_f64();
    Ok(probed)
}

/// Pretrains, unless the cell is about random weights, encodes and probes; then trains end to end, if the suite does.
fn plugin_cell(
    cell: &Cell,
    folder: &CellFolder,
    data: &Packed,
    checkpoint_every: Duration,
    progress: &mut Progress,
    cost: &mut Cost,
) -> Result<(Probed, EncoderFacts)> {
    let Encoder::Plugin { library, checksum, config, initialisation, .. } = &cell.encoder else {
        unreachable!("called for plugins");
    };
    let plugin = Plugin::open(library)?;
    if plugin.checksum() != checksum {
        return Err(Error::Plugin {
            path: library.clone(),
            reason: "it changed since this cell was planned; run the same command again".into(),
        });
    }
    let scratch = folder.scratch();
    fs::create_dir_all(&scratch).map_err(Error::io(&scratch))?;
    let curves = Curves::default();
    let listener = Listener(&curves);
    let pretrain = *initialisation == Initialisation::Pretrained;
    let suite = &cell.suite;
    let spec = SessionSpec {
        config,
        systems: &[Geometry::of(data.header())],
        context_frames: suite.window.context,
        future_frames: suite.window.future,
        batch: suite.pretrain.batch,
        steps: if pretrain { suite.pretrain.steps() } else { 0 },
        seed: cell.seed,
        device: cell.device,
        scratch: &scratch.to_string_lossy(),
    };
    let mut session = Session::new(&plugin, &spec, &listener)?;
    if pretrain {
        cost.pretrain_seconds =
            pretrain::run(cell, folder, data, &mut session, &curves, checkpoint_every, |done, total, loss| {
                progress.report(
                    Phase::Pretrain,
                    done,
                    total,
                    loss.map(|loss| format!("loss {loss:.4}")).unwrap_or_default(),
                )
            })?;
        cost.pretrain_samples = suite.pretrain.steps() * suite.pretrain.batch as u64;
        files::write(&folder.state(), &session.save()?)?;
    }

    let before = encoder_checksum(&session)?;
    let clock = Instant::now();
    let embedded = embed::with_session(cell, data, &session, &Split::ALL, |done, total| {
        progress.report(Phase::Encode, done, total, String::new())
    })?;
    cost.encoded(&embedded, clock);
    embed::save(&embedded, &folder.embeddings())?;
    let mut probed = probed(cell, &embedded, progress, cost)?;
    if encoder_checksum(&session)? != before {
        return Err(Error::Method {
            method: cell.method().to_owned(),
            message: "encoding changed the encoder's weights; a frozen encoder must stay as it is".into(),
        });
    }
    let parameters = session.parameters()?;
    let count = |encoder_only: bool| {
        parameters
            .iter()
            .filter(|parameter| parameter.encoder || !encoder_only)
            .map(|parameter| parameter.shape.iter().product::<u64>())
            .sum()
    };
    let tokens = embedded[&Split::Train].embeddings();
    let facts = EncoderFacts {
        encoder_parameters: count(true),
        method_parameters: count(false),
        tokens: tokens.tokens,
        dim: tokens.dim,
        checksum: before,
        plugin_checksum: checksum.clone(),
    };
    if let Some(budget) = &suite.finetune {
        let clock = Instant::now();
        let (scores, record) = finetune::run(cell, budget, data, &mut session, facts.dim, |done, total| {
            progress.report(Phase::FineTune, done, total, String::new())
        })?;
        cost.finetune_samples = (budget.epochs * embedded[&Split::Train].n()) as u64;
        cost.finetune_seconds = clock.elapsed().as_secs_f64();
        probed.scores.extend(scores);
        probed.chosen.insert(Track::EndToEnd.to_string(), serde_json::json!(record));
    }
    Ok((probed, facts))
}

impl Cost {
    /// Notes what encoding took that began at `clock`.
    fn encoded(&mut self, embedded: &Embedded, clock: Instant) {
        self.encode_samples = embedded.values().map(|split| split.n() as u64).sum();
        self.encode_seconds = clock.elapsed().as_secs_f64();
    }
}

/// BLAKE3 over the names and checksums of the encoder's parameters.
fn encoder_checksum(session: &Session<'_>) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    for parameter in session.parameters()?.iter().filter(|parameter| parameter.encoder) {
        hasher.update(parameter.name.as_bytes());
        hasher.update(&parameter.checksum);
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// The session's callbacks in a worker: the log goes to standard error, which the supervisor keeps.
struct Listener<'a>(&'a Curves);

impl Callbacks for Listener<'_> {
    fn log(&self, level: LogLevel, message: &str) {
        eprintln!("{level:?}: {message}");
    }

    fn metric(&self, name: &str, step: u64, value: f64) {
        self.0.record(name, step, value);
    }
}

/// Tells the supervisor how the work goes, a few times a second.
struct Progress {
    last: Option<(Phase, Instant)>,
}

impl Progress {
    fn new() -> Self {
        Self { last: None }
    }

    fn report(&mut self, phase: Phase, done: u64, total: u64, note: String) -> Result<()> {
        let recent = self.last.is_some_and(|(last, when)| last == phase && when.elapsed() < Duration::from_millis(200));
        if recent && done < total {
            return Ok(());
        }
        self.last = Some((phase, Instant::now()));
        Event::Progress { phase, done, total, note }.send().map_err(Error::io("standard output"))
    }
}
