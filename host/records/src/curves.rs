//! Training curves as JSON lines: one object per step, with the step's number and the recorded values.

use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    io::Write,
    path::Path,
    sync::Mutex,
    time::{Duration, Instant},
};

use serde_json::{Map, Value};

use crate::{
    error::{Error, Result},
    files,
};

/// How often steps are appended to the file during training.
const APPEND_INTERVAL: Duration = Duration::from_secs(1);

/// The key of a step's number.
const STEP: &str = "step";

/// The training curves of a pretraining: the loss, the learning rate, and the metrics that the method records.
#[derive(Debug, Default)]
pub struct Curves(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Values by step and name.
    points: BTreeMap<u64, BTreeMap<String, f64>>,
    /// The steps before this one are in the file.
    written: u64,
    /// When steps were last appended.
    last: Option<Instant>,
}

impl Curves {
    /// The names of what the program records itself.
    pub const RESERVED: [&str; 3] = [STEP, "loss", "learning_rate"];

    /// Adds a value at a step.
    pub fn record(&self, name: &str, step: u64, value: f64) {
        self.inner().points.entry(step).or_default().insert(name.to_owned(), value);
    }

    /// Every point: its name, step and value.
    pub fn points(&self) -> Vec<(String, u64, f64)> {
        let inner = self.inner();
        let values =
            inner.points.iter().flat_map(|(step, values)| values.iter().map(move |(name, value)| (name, step, value)));
        values.map(|(name, step, value)| (name.clone(), *step, *value)).collect()
    }

    /// Reads the curves at `path`. A truncated last line is ignored.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or another line is not a step.
    pub fn read(path: &Path) -> Result<Self> {
        let text = String::from_utf8_lossy(&files::read(path)?).into_owned();
        let mut points = BTreeMap::new();
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            match parse(line) {
                Some((step, values)) => {
                    points.insert(step, values);
                }
                None if number + 1 == lines.len() => {}
                None => {
                    let reason =
                        format!("line {}: expected an object with the number of a step, found {line:?}", number + 1);
                    return Err(Error::File { path: path.to_owned(), reason });
                }
            }
        }
        let written = points.keys().last().map_or(0, |step| step + 1);
        Ok(Self(Mutex::new(Inner { points, written, last: None })))
    }

    /// Replaces the points by those of `other`.
    pub fn replace(&self, other: Self) {
        *self.inner() = other.0.into_inner().unwrap_or_else(|e| e.into_inner());
    }

    /// Appends the steps before `end` to the file at `path`, unless that was done within the last second.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn follow(&self, path: &Path, end: u64) -> Result<()> {
        if self.inner().last.is_some_and(|last| last.elapsed() < APPEND_INTERVAL) {
            return Ok(());
        }
        self.flush(path, end)
    }

    /// Writes the steps before `end` to the file at `path`, as a whole: what was appended to it may be of two processes.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&self, path: &Path, end: u64) -> Result<()> {
        let mut inner = self.inner();
        let lines: String = inner.points.range(..end).map(|(step, values)| line(*step, values)).collect();
        files::write(path, lines.as_bytes())?;
        (inner.written, inner.last) = (end.max(inner.written), Some(Instant::now()));
        Ok(())
    }

    /// Appends the steps before `end` to the file at `path`.
    fn flush(&self, path: &Path, end: u64) -> Result<()> {
        let mut inner = self.inner();
        let lines: String = inner.points.range(inner.written..end).map(|(step, values)| line(*step, values)).collect();
        let file = OpenOptions::new().create(true).append(true).open(path);
        file.and_then(|mut file| file.write_all(lines.as_bytes())).map_err(Error::io(path))?;
        (inner.written, inner.last) = (end.max(inner.written), Some(Instant::now()));
        Ok(())
    }

    /// Truncates the file of an interrupted attempt to the steps before `step`, and loads their points.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or written.
    pub fn restore(&self, path: &Path, step: u64) -> Result<()> {
        let mut points =
            if step > 0 && path.is_file() { Self::read(path)?.inner().points.clone() } else { BTreeMap::new() };
        points.retain(|recorded, _| *recorded < step);
        let lines: String = points.iter().map(|(step, values)| line(*step, values)).collect();
        files::write(path, lines.as_bytes())?;
        *self.inner() = Inner { points, written: step, last: None };
        Ok(())
    }

    /// BLAKE3 of the lines of the steps before `end`, in hexadecimal.
    pub fn digest(&self, end: u64) -> String {
        let mut hasher = blake3::Hasher::new();
        for (step, values) in self.inner().points.range(..end) {
            hasher.update(line(*step, values).as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// The line of a step, its number first. Values that are not finite are null.
fn line(step: u64, values: &BTreeMap<String, f64>) -> String {
    let values: Map<String, Value> = values.iter().map(|(name, value)| (name.clone(), Value::from(*value))).collect();
    let rest = Value::Object(values).to_string();
    let rest = rest.trim_start_matches('{');
    let separator = if rest == "}" { "" } else { "," };
    format!("{{\"{STEP}\":{step}{separator}{rest}\n")
}

fn parse(line: &str) -> Option<(u64, BTreeMap<String, f64>)> {
    let Ok(Value::Object(values)) = serde_json::from_str(line) else {
        return None;
    };
    let step = values.get(STEP)?.as_u64()?;
    let recorded = values.iter().filter(|(name, _)| *name != STEP);
    // As `line` writes them.
    let number = |value: &Value| value.as_f64().or_else(|| value.is_null().then_some(f64::NAN));
    Some((step, recorded.filter_map(|(name, value)| Some((name.clone(), number(value)?))).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truncated_file_resumes_with_the_same_bytes() {
        let folder = tempfile::tempdir().expect("a folder");
        let [whole, cut] = ["whole", "cut"].map(|name| folder.path().join(name));
        let record = |curves: &Curves, steps: std::ops::Range<u64>| {
            for step in steps {
                curves.record("loss", step, 1.0 / (step + 1) as f64);
                curves.record("a \"quoted\" name", step, -1e-30);
                curves.record("sometimes", step, if step % 2 == 0 { f64::NAN } else { 2.0 });
            }
        };
        let curves = Curves::default();
        record(&curves, 0..9);
        curves.write(&whole, 9).expect("written");

        let first = Curves::default();
        record(&first, 0..6);
        first.flush(&cut, 4).expect("written");
        first.flush(&cut, 6).expect("written");
        let mut bytes = std::fs::read(&cut).expect("bytes");
        bytes.truncate(bytes.len() - 7);
        std::fs::write(&cut, bytes).expect("written");
        let second = Curves::default();
        second.restore(&cut, 5).expect("restored");
        record(&second, 5..9);
        second.flush(&cut, 9).expect("written");
        assert_eq!(std::fs::read(&whole).expect("bytes"), std::fs::read(&cut).expect("bytes"));
        // NaN does not equal itself.
        let shown = |curves: &Curves| format!("{:?}", curves.points());
        assert_eq!(shown(&second), shown(&curves));
        assert_eq!(shown(&Curves::read(&whole).expect("curves")), shown(&curves));
    }

    #[test]
    fn a_line_begins_with_the_step_and_values_that_are_not_finite_are_null() {
        let values = BTreeMap::from([("loss".to_owned(), f64::NAN), ("accuracy".to_owned(), 0.5)]);
        assert_eq!(line(3, &values), "{\"step\":3,\"accuracy\":0.5,\"loss\":null}\n");
        assert_eq!(line(3, &BTreeMap::new()), "{\"step\":3}\n");
    }

    #[test]
    fn an_invalid_line_in_the_middle_is_an_error_with_its_number() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("curves.jsonl");
        std::fs::write(&path, "{\"step\":0}\nnonsense\n{\"step\":2}\n").expect("written");
        assert!(Curves::read(&path).expect_err("refused").to_string().contains("line 2"));
    }
}
