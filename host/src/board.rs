//! What tables, reports and comparisons show of a run, computed once from its records.
//!
//! A row is one encoder: a method in one initialisation, its seeds together. Its score by a probe is the mean squared error on test,
//! the mean over parameters, windows and seeds. With two seeds or more its interval is Student's over seeds; with one it is the
//! bootstrap's over test trajectories. Rows are ranked for each probe by itself, floors aside: the best, and those that are not
//! clearly different from it ([`Comparison::clear`](crate::statistics::Comparison::clear)), which are tied.

use std::collections::BTreeMap;

use physrep_benchmarks::Split;

use crate::{
    cell::{Initialisation, Outcome},
    result::{CellResult, Identity, Measures, Reading, SuiteFacts, Track},
    standings::{Entry, Standings},
    statistics::{Errors, Interval, Resampler, compare, mean, ranks, t_interval},
};

/// The seed of the bootstrap's draws: the same for all tables, so that the same records give the same bytes.
const SEED: u64 = 0;

/// A run as tables see it.
pub struct Board<'a> {
    /// The suite.
    pub suite: &'a SuiteFacts,
    /// Systems in the order of the table.
    pub systems: Vec<System<'a>>,
}

/// One physical system.
pub struct System<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its parameters; empty if no cell is done.
    pub parameters: Vec<&'a str>,
    /// One row an encoder, floors last.
    pub rows: Vec<Row<'a>>,
    /// Draws of the test trajectories.
    pub resampler: Resampler,
}

/// One encoder on one system: the cells that differ in their seeds.
pub struct Row<'a> {
    /// Which method it is; of its cells, the first.
    pub cell: &'a Identity,
    /// The results there are.
    pub results: Vec<&'a CellResult>,
    /// By track and probe, in the order in which they were read.
    pub scores: Vec<Score>,
    /// What a reader must know: failures, and what casts doubt on the numbers.
    pub notes: Vec<String>,
}

/// What one probe reads of a row with all labels.
pub struct Score {
    /// What the labels trained.
    pub track: Track,
    /// The probe.
    pub probe: String,
    /// MSE on test of each parameter.
    pub parameters: Vec<f64>,
    /// The mean over parameters.
    pub mean: Measures,
    /// The interval of the mean MSE.
    pub interval: Option<Interval>,
    /// The mean MSE on held-out parameters, if the suite has such.
    pub held_out: Option<f64>,
    /// The place among the rows with this probe, 1 the best; none for floors.
    pub rank: Option<f64>,
    /// How it stands to the best.
    pub standing: Standing,
    /// Share of labels, mean MSE on test and its interval, ascending.
    pub by_labels: Vec<(f64, f64, Option<Interval>)>,
}

/// How a row stands to the best one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has the lowest error.
    Best,
    /// It is not clearly different from the best.
    Tied,
    /// It is worse, or not ranked.
    Other,
}

impl Row<'_> {
    /// How tables call it.
    pub fn name(&self) -> String {
        match self.cell.initialisation {
            Initialisation::Random => format!("{} (random init)", self.cell.method),
            Initialisation::Joint => format!("{} (joint)", self.cell.method),
            Initialisation::Pretrained | Initialisation::None => self.cell.method.clone(),
        }
    }

    /// Whether it is a floor, which no encoder stands behind.
    pub fn is_floor(&self) -> bool {
        self.cell.initialisation == Initialisation::None
    }

    /// What a probe reads of it.
    pub fn score(&self, track: Track, probe: &str) -> Option<&Score> {
        self.scores.iter().find(|score| score.track == track && score.probe == probe)
    }
}

impl<'a> Board<'a> {
    /// The board of a run; none if it has no cells.
    pub fn of(standings: &'a Standings) -> Option<Self> {
        let suite = &standings.entries.first()?.cell.suite;
        let systems = standings.by_system().into_iter().map(|(name, entries)| System::of(name, &entries)).collect();
        let mut board = Self { suite, systems };
        if board.seeds() > 1 {
            let rows = board.systems.iter_mut().flat_map(|system| &mut system.rows);
            for row in rows.filter(|row| row.results.len() == 1) {
                row.notes.push("one seed alone: its interval is over test trajectories".into());
            }
        }
        Some(board)
    }

    /// Whether the numbers are of several seeds.
    pub fn seeds(&self) -> usize {
        let rows = self.systems.iter().flat_map(|system| &system.rows);
        rows.map(|row| row.results.len()).max().unwrap_or_default()
    }
}

impl<'a> System<'a> {
    fn of(name: &'a str, entries: &[&'a Entry]) -> Self {
        let results = || entries.iter().filter_map(|entry| entry.result());
        let trajectories = results().next().and_then(|result| result.splits.get(&Split::Test)).map(|t| t.index.len());
        let resampler = Resampler::new(trajectories.unwrap_or_default(), SEED);
        let parameters = results().next().map(|result| result.parameters.iter().map(|p| p.name.as_str()).collect());
        let groups = entries.chunk_by(|a, b| same_row(&a.cell, &b.cell));
        let mut rows: Vec<Row<'a>> = groups.map(|group| row(group, &resampler)).collect();
        rank(&mut rows, &resampler);
        Self { name, parameters: parameters.unwrap_or_default(), rows, resampler }
    }

    /// The probes of a track, in the order in which they were read; the mean's own is none.
    pub fn probes(&self, track: Track) -> Vec<&str> {
        let mut probes = Vec::new();
        for score in self.rows.iter().flat_map(|row| &row.scores).filter(|score| score.track == track) {
            if score.probe != "mean" && !probes.contains(&score.probe.as_str()) {
                probes.push(&score.probe);
            }
        }
        probes
    }

    /// Whether there is a split of held-out parameters.
    pub fn has_held_out(&self) -> bool {
        self.rows.iter().flat_map(|row| &row.scores).any(|score| score.held_out.is_some())
    }
}

/// Cells of one method and initialisation, which differ in their seeds.
fn same_row(a: &Identity, b: &Identity) -> bool {
    (&a.method, a.initialisation) == (&b.method, b.initialisation)
}

fn row<'a>(group: &[&'a Entry], resampler: &Resampler) -> Row<'a> {
    let results: Vec<&CellResult> = group.iter().filter_map(|entry| entry.result()).collect();
    let mut keys: Vec<(Track, &str)> = Vec::new();
    for reading in results.iter().flat_map(|result| &result.readings) {
        if !keys.contains(&(reading.track, reading.probe.as_str())) {
            keys.push((reading.track, &reading.probe));
        }
    }
    let scores = keys.into_iter().filter_map(|(track, probe)| score(&results, track, probe, resampler)).collect();
    Row { cell: &group[0].cell, scores, notes: notes(group, &results), results }
}

/// The score of the results of one row by one probe; none if none of them has it.
fn score(results: &[&CellResult], track: Track, probe: &str, resampler: &Resampler) -> Option<Score> {
    let readings = |fraction: f64, split: Split| -> Vec<&Reading> {
        results.iter().filter_map(|result| result.reading(track, probe, fraction, split)).collect()
    };
    let test = readings(1.0, Split::Test);
    let over_seeds = |figure: &dyn Fn(&Reading) -> Option<f64>| -> Option<f64> {
        test.iter().map(|reading| figure(reading)).collect::<Option<Vec<f64>>>().and_then(|values| mean(&values))
    };
    let held_out: Vec<f64> = readings(1.0, Split::HeldOut).iter().map(|reading| reading.mean.mse).collect();
    let mut fractions: Vec<f64> = results
        .iter()
        .flat_map(|result| &result.readings)
        .filter(|reading| reading.track == track && reading.probe == probe)
        .map(|reading| reading.label_fraction)
        .collect();
    fractions.sort_unstable_by(f64::total_cmp);
    fractions.dedup();
    let by_labels = fractions.into_iter().filter_map(|fraction| {
        let values: Vec<f64> = readings(fraction, Split::Test).iter().map(|reading| reading.mean.mse).collect();
        Some((fraction, mean(&values)?, interval(&errors(results, track, probe, fraction), resampler)))
    });
    let parameters = (0..test.first()?.parameters.len())
        .map(|index| over_seeds(&|reading| reading.parameters.get(index).map(|p| p.measures.mse)))
        .collect::<Option<_>>()?;
    Some(Score {
        track,
        probe: probe.to_owned(),
        parameters,
        mean: Measures {
            mse: over_seeds(&|reading| Some(reading.mean.mse))?,
            r2: over_seeds(&|reading| reading.mean.r2),
            trajectory_mse: over_seeds(&|reading| Some(reading.mean.trajectory_mse))?,
            trajectory_r2: over_seeds(&|reading| reading.mean.trajectory_r2),
        },
        interval: interval(&errors(results, track, probe, 1.0), resampler),
        held_out: mean(&held_out),
        rank: None,
        standing: Standing::Other,
        by_labels: by_labels.collect(),
    })
}

/// The errors on the test trajectories, the mean over parameters, of the results of one row by one probe.
pub fn errors(results: &[&CellResult], track: Track, probe: &str, label_fraction: f64) -> Errors {
    let weights = results.first().and_then(|result| result.splits.get(&Split::Test)).map(|test| &test.windows);
    let seeds = results.iter().filter_map(|result| {
        let reading = result.reading(track, probe, label_fraction, Split::Test)?;
        let count = reading.parameters.len() as f64;
        let trajectories = reading.parameters.first()?.squared_error.len();
        let error = |t: usize| -> Option<f64> {
            let sum: Option<f64> =
                reading.parameters.iter().map(|p| p.squared_error.get(t).map(|&e| f64::from(e))).sum();
            Some(sum? / count)
        };
        Some((result.identity.seed, (0..trajectories).map(error).collect::<Option<_>>()?))
    });
    Errors {
        seeds: seeds.collect(),
        weights: weights.into_iter().flatten().map(|&windows| f64::from(windows)).collect(),
    }
}

/// Student's over seeds if there are several, else the bootstrap's over trajectories.
fn interval(errors: &Errors, resampler: &Resampler) -> Option<Interval> {
    let by_seed: Vec<f64> = errors.by_seed().into_iter().map(|(_, error)| error).collect();
    // What no seed changes, such as a floor, is as it is over seeds: there is no interval to give.
    if by_seed.len() > 1 && by_seed.iter().all(|error| *error == by_seed[0]) {
        return None;
    }
    t_interval(&by_seed).or_else(|| resampler.interval(&errors.by_trajectory()?, &errors.weights))
}

/// Ranks the rows with an encoder for each probe, and marks the best and what is tied with it.
fn rank(rows: &mut [Row<'_>], resampler: &Resampler) {
    let mut places: BTreeMap<(Track, String), Vec<(usize, usize)>> = BTreeMap::new();
    for (row, scored) in rows.iter().enumerate().filter(|(_, row)| !row.is_floor()) {
        for (score, key) in scored.scores.iter().enumerate() {
            places.entry((key.track, key.probe.clone())).or_default().push((row, score));
        }
    }
    for ((track, probe), places) in places {
        let values: Vec<f64> = places.iter().map(|&(row, score)| rows[row].scores[score].mean.mse).collect();
        let ranks = ranks(&values);
        let Some(best) = (0..values.len()).min_by(|&a, &b| values[a].total_cmp(&values[b])) else {
            continue;
        };
        let errors: Vec<Errors> =
            places.iter().map(|&(row, _)| errors(&rows[row].results, track, &probe, 1.0)).collect();
        for (place, &(row, score)) in places.iter().enumerate() {
            let clear =
                || compare(&errors[place], &errors[best], resampler).is_some_and(|comparison| comparison.clear());
            let score = &mut rows[row].scores[score];
            score.rank = Some(ranks[place]);
            score.standing = match place == best || values[place] == values[best] {
                true => Standing::Best,
                false if clear() => Standing::Other,
                false => Standing::Tied,
            };
        }
    }
}

/// What a reader must know of a row.
fn notes(group: &[&Entry], results: &[&CellResult]) -> Vec<String> {
    let mut notes = Vec::new();
    for entry in group {
        match &entry.outcome {
            Outcome::Done(_) => {}
            Outcome::Failed(reason) => notes.push(format!("seed {} failed: {reason}", entry.cell.seed)),
            Outcome::Missing => notes.push(format!("seed {} was not run", entry.cell.seed)),
        }
    }
    let seeds = |which: &dyn Fn(&CellResult) -> bool| -> Option<String> {
        let seeds: Vec<String> =
            results.iter().filter(|result| which(result)).map(|result| result.identity.seed.to_string()).collect();
        match seeds.len() {
            0 => None,
            all if all == results.len() => Some("every seed".into()),
            _ => Some(format!("seed {}", seeds.join(", "))),
        }
    };
    let health =
        |test: &dyn Fn(&crate::result::Health) -> bool| seeds(&|result| result.health.as_ref().is_some_and(test));
    if let Some(seeds) = health(&|health| health.spread.collapsed()) {
        notes.push(format!("embeddings collapsed: their effective rank is below 2 ({seeds})"));
    }
    if let Some(seeds) = health(&|health| !health.control.contains_zero()) {
        notes.push(format!("with shuffled labels, the range of R2 on test does not contain 0 ({seeds})"));
    }
    if let Some(seeds) = health(&|health| health.gradient.as_ref().is_some_and(|gradient| gradient.silent > 0)) {
        notes.push(format!("some tensors got no gradient in the first steps ({seeds})"));
    }
    let differ = |what: &dyn Fn(&CellResult) -> String| results.windows(2).any(|pair| what(pair[0]) != what(pair[1]));
    if differ(&|result| result.encoder.as_ref().map(|encoder| encoder.plugin_checksum.clone()).unwrap_or_default()) {
        notes.push("seeds are of different builds of the plugin".into());
    }
    if differ(&|result| result.environment.data_checksum.clone()) {
        notes.push("seeds are on data that differ in some bytes".into());
    }
    notes
}
