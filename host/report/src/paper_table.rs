//! One table of a run as a paper shows it: the encoders that matter, on some systems, by one probe, under the paper's names.

use physrep_benchmarks::suggestion::did_you_mean;
use physrep_records::{Initialisation, RunResults, Track};
use serde::Serialize;

use crate::{
    error::{Error, Result},
    forms::Form,
    leaderboard::{Leaderboard, RowScore, Significance},
    tables::{
        summary,
        table::{Table, Value},
    },
};

/// What a paper's table shows. Intervals, ranks and significance are those among the rows that it shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaperTable {
    /// The probe; none for the first.
    pub probe: Option<String>,
    /// The methods; empty for all.
    pub methods: Vec<String>,
    /// The systems; empty for all.
    pub systems: Vec<String>,
    /// Whether rows of random initialisations are left out.
    pub without_random: bool,
    /// Methods and what they are called instead.
    pub names: Vec<(String, String)>,
    /// Whether LaTeX is a table environment without a document around it.
    pub fragment: bool,
    /// The label of the LaTeX table.
    pub label: Option<String>,
}

impl PaperTable {
    /// The table in a form. CSV has one row for each encoder and system: error, interval, rank, significance.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if the run has no such method, system or probe; if CSV cannot be written.
    pub fn render(&self, results: &RunResults, form: Form) -> Result<String> {
        let results = self.select(results)?;
        let leaderboard = Leaderboard::of(&results).ok_or_else(|| nothing("rows"))?;
        let probes = leaderboard.systems.first().map(|system| system.probes(Track::Frozen)).unwrap_or_default();
        let probe = match &self.probe {
            None => *probes.first().ok_or_else(|| nothing("scores"))?,
            Some(name) => probes.iter().find(|probe| *probe == name).ok_or_else(|| unknown("probe", name, &probes))?,
        };
        if form == Form::Csv {
            return self.csv(&leaderboard, probe);
        }
        let mut table =
            summary::by_probe(&leaderboard, Track::Frozen, probe).ok_or_else(|| nothing("scores by this probe"))?;
        self.rename(&mut table);
        Ok(form.one(&table, self.fragment, self.label.as_deref()))
    }

    /// The cells of the selected methods and systems.
    fn select(&self, results: &RunResults) -> Result<RunResults> {
        let all = |name: fn(&physrep_records::Identity) -> &str| -> Vec<&str> {
            let mut names: Vec<&str> = Vec::new();
            for cell in &results.cells {
                if !names.contains(&name(&cell.identity)) {
                    names.push(name(&cell.identity));
                }
            }
            names
        };
        let (methods, systems) = (all(|identity| &identity.method), all(|identity| &identity.system));
        let renamed: Vec<String> = self.names.iter().map(|(name, _)| name.clone()).collect();
        for (kind, wanted, known) in
            [("method", &self.methods, &methods), ("method", &renamed, &methods), ("system", &self.systems, &systems)]
        {
            if let Some(name) = wanted.iter().find(|name| !known.contains(&name.as_str())) {
                return Err(unknown(kind, name, known));
            }
        }
        let among = |wanted: &[String], name: &String| wanted.is_empty() || wanted.contains(name);
        let shown = results.cells.iter().filter(|cell| {
            among(&self.methods, &cell.identity.method)
                && among(&self.systems, &cell.identity.system)
                && !(self.without_random && cell.identity.initialisation == Initialisation::Random)
        });
        Ok(RunResults { cells: shown.cloned().collect() })
    }

    /// Calls the methods in the first column by the paper's names.
    fn rename(&self, table: &mut Table) {
        for line in &mut table.lines {
            if let Some(Value::Text(name)) = line.entries.first_mut().map(|entry| &mut entry.value) {
                *name = self.called(name);
            }
        }
    }

    /// A row's name, `jepa (random init)` or `autoencoder, jepa`, with its methods renamed.
    fn called(&self, row: &str) -> String {
        let methods = row.split(", ").map(|part| {
            let (method, suffix) = part.split_at(part.find(" (").unwrap_or(part.len()));
            let other = self.names.iter().find(|(name, _)| name == method);
            other.map_or(method, |(_, other)| other).to_owned() + suffix
        });
        methods.collect::<Vec<_>>().join(", ")
    }

    fn csv(&self, leaderboard: &Leaderboard<'_>, probe: &str) -> Result<String> {
        let failed = |source: csv::Error| Error::Csv { what: "a table".into(), source };
        let mut writer = csv::Writer::from_writer(Vec::new());
        for system in &leaderboard.systems {
            for row in &system.rows {
                if let Some(score) = row.score_or_own(Track::Frozen, probe) {
                    let line = Line::of(self.called(&row.name()), system.name, score);
                    writer.serialize(line).map_err(failed)?;
                }
            }
        }
        let bytes = writer.into_inner().map_err(|e| failed(e.into_error().into()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// A line of the CSV form; its fields are the columns.
#[derive(Serialize)]
struct Line<'a> {
    method: String,
    system: &'a str,
    probe: &'a str,
    mse: f64,
    low: Option<f64>,
    high: Option<f64>,
    rank: Option<f64>,
    significance: &'static str,
}

impl<'a> Line<'a> {
    fn of(method: String, system: &'a str, score: &'a RowScore) -> Self {
        let interval = score.test.interval;
        Self {
            method,
            system,
            probe: &score.probe,
            mse: score.test.mse,
            low: interval.map(|interval| interval.low),
            high: interval.map(|interval| interval.high),
            rank: score.rank,
            significance: match score.significance {
                Significance::Best => "best",
                Significance::Tied => "tied",
                Significance::Worse => "worse",
                Significance::Unranked => "",
            },
        }
    }
}

fn nothing(what: &str) -> Error {
    Error::Usage(format!("the run has no {what} to show; choose other methods, systems or another probe"))
}

fn unknown(kind: &str, name: &str, known: &[&str]) -> Error {
    let meant = did_you_mean(name, known.iter().copied());
    Error::Usage(format!("the run has no {kind} `{name}`{meant}; it has: {}", known.join(", ")))
}
