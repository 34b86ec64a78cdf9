//! Pretraining of one session: batches in the suite's order, curves, and checkpoints to go on from.

use std::{
    path::Path,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use physrep_benchmarks::{order::Order, packed::Packed, split::Split};
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    cell::{Cell, CellFolder},
    files,
    loader::{Loader, Plan, threads_beside_computation},
    observe::{Look, observe},
    plugin::{Checkpoint, Geometry, Session},
};

/// One value of a curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    step: u64,
    name: String,
    value: f64,
}

/// The curves of a pretraining: the loss, the learning rate, and whatever the method records.
#[derive(Debug, Default)]
pub struct Curves(Mutex<Vec<Point>>);

impl Curves {
    /// Adds a value at a step.
    pub fn record(&self, name: &str, step: u64, value: f64) {
        let point = Point { step, name: name.to_owned(), value };
        self.0.lock().unwrap_or_else(|e| e.into_inner()).push(point);
    }

    /// Writes all points as CSV.
    fn save(&self, path: &Path) -> Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for point in self.0.lock().unwrap_or_else(|e| e.into_inner()).iter() {
            writer.serialize(point).map_err(|e| csv_error(path, e))?;
        }
        let bytes = writer.into_inner().map_err(|e| csv_error(path, e.into_error().into()))?;
        files::write(path, &bytes)
    }

    /// Takes the points before `step` that an interrupted attempt left.
    fn restore(&self, path: &Path, step: u64) -> Result<()> {
        let bytes = files::read(path)?;
        let points: Vec<Point> = csv::Reader::from_reader(bytes.as_slice())
            .deserialize()
            .collect::<std::result::Result<_, _>>()
            .map_err(|e| csv_error(path, e))?;
        *self.0.lock().unwrap_or_else(|e| e.into_inner()) =
            points.into_iter().filter(|point| point.step < step).collect();
        Ok(())
    }
}

fn csv_error(path: &Path, error: csv::Error) -> Error {
    Error::File { path: path.to_owned(), reason: error.to_string() }
}

/// Where an interrupted pretraining stands.
struct Position {
    step: u64,
    seconds: f64,
}

const MAGIC: &[u8; 8] = b"physrep1";

/// A checkpoint is the host's position, then the session's own state, in one file so that they cannot differ.
fn save_checkpoint(path: &Path, position: &Position, session: &Session<'_>) -> Result<()> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(position.step.to_le_bytes());
    bytes.extend(position.seconds.to_le_bytes());
    bytes.extend(session.save()?);
    files::write(path, &bytes)
}

fn load_checkpoint(path: &Path, session: &mut Session<'_>) -> Result<Position> {
    let bytes = files::read(path)?;
    let (header, state) =
        bytes.split_at_checked(24).filter(|(header, _)| header.starts_with(MAGIC)).ok_or_else(|| Error::File {
            path: path.to_owned(),
            reason: "not a checkpoint; delete it to start over".into(),
        })?;
    let number = |at: usize| <[u8; 8]>::try_from(&header[at..at + 8]).expect("eight bytes");
    session.load(state, Checkpoint::State)?;
    Ok(Position { step: u64::from_le_bytes(number(8)), seconds: f64::from_le_bytes(number(16)) })
}

/// Pretrains `session` on the suite's budget and returns the seconds it took over all attempts.
///
/// `report` hears of the start and of every step: steps done, of how many, and the step's loss.
pub fn run(
    cell: &Cell,
    folder: &CellFolder,
    data: &Packed,
    session: &mut Session<'_>,
    curves: &Curves,
    checkpoint_every: Duration,
    mut report: impl FnMut(u64, u64, Option<f64>) -> Result<()>,
) -> Result<f64> {
    let batch = cell.suite.pretrain.batch;
    let steps = cell.suite.pretrain.steps();
    let frames = cell.suite.window.frames();
    let shape = Geometry::of(data.header()).shape(batch, frames);
    let windows = data.windows(Split::Train, &cell.suite.window_on(&cell.system));
    let mut order = Order::new(cell.suite.seed, windows.len());

    let mut start = Position { step: 0, seconds: 0.0 };
    if folder.checkpoint().is_file() {
        start = load_checkpoint(&folder.checkpoint(), session)?;
        curves.restore(&folder.curves(), start.step)?;
    }
    report(start.step, steps, None)?;
    let clock = Instant::now();
    let mut saved = Instant::now();
    let samples = start.step * batch as u64..steps * batch as u64;
    let looks = samples.map(move |sample| (windows[order.window(sample)], Look::Pretraining(sample)));
    let plan = Plan { clip_len: data.clip_len(frames), batch, threads: threads_beside_computation() };
    thread::scope(|scope| -> Result<()> {
        let loader = Loader::spawn(scope, plan, looks, |&(window, look), clip| {
            observe(data, &cell.suite, window, frames, look, clip)
        })?;
        let mut step = start.step;
        while let Some(clips) = loader.next()? {
            let told = session.pretrain_step(&clips, shape, 0)?;
            if !told.loss.is_finite() {
                return Err(Error::Method {
                    method: cell.method().to_owned(),
                    message: format!("the loss is {} at step {step}", told.loss),
                });
            }
            curves.record("loss", step, told.loss);
            curves.record("learning_rate", step, told.learning_rate);
            step += 1;
            report(step, steps, Some(told.loss))?;
            if saved.elapsed() >= checkpoint_every && step < steps {
                curves.save(&folder.curves())?;
                let seconds = start.seconds + clock.elapsed().as_secs_f64();
                save_checkpoint(&folder.checkpoint(), &Position { step, seconds }, session)?;
                saved = Instant::now();
            }
        }
        let (waited, all) = (loader.waited().as_secs_f64(), clock.elapsed().as_secs_f64());
        eprintln!("Info: pretraining waited {waited:.3} s of {all:.1} s for data");
        Ok(())
    })?;
    curves.save(&folder.curves())?;
    let seconds = start.seconds + clock.elapsed().as_secs_f64();
    // The last checkpoint: an encoding or a probe that is interrupted starts from here.
    save_checkpoint(&folder.checkpoint(), &Position { step: steps, seconds }, session)?;
    Ok(seconds)
}
