//! The tables of a run, for the terminal and as Markdown: for each system one a track, and its costs; and for each
//! track one of all systems.

mod cost;
mod summary;

use comfy_table::{Attribute, Cell as TableCell, CellAlignment, ContentArrangement, Table, presets};

use physrep_benchmarks::{split::Split, suite::Suite};

use crate::{
    cell::{Cell, Initialisation, Outcome},
    result::{CellResult, Track},
    standings::Standings,
};

/// The tables for a terminal.
pub fn terminal(standings: &Standings<'_>) -> String {
    render(standings, Form::Terminal)
}

/// The tables as Markdown.
pub fn markdown(standings: &Standings<'_>) -> String {
    render(standings, Form::Markdown)
}

/// Where tables are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Terminal,
    Markdown,
}

impl Form {
    /// A table without rows. Numbers and names are never broken, however narrow the terminal.
    fn table(self) -> Table {
        let mut table = Table::new();
        table
            .load_style(match self {
                Self::Terminal => presets::UTF8_FULL_CONDENSED,
                Self::Markdown => presets::ASCII_MARKDOWN,
            })
            .set_content_arrangement(ContentArrangement::Disabled);
        table
    }

    /// The name of a column that is wider than its numbers: in a terminal it is broken between words.
    fn broken(self, name: &str) -> String {
        match self {
            Self::Terminal => name.replace(' ', "\n"),
            Self::Markdown => name.to_owned(),
        }
    }

    /// What titles begin with.
    fn heading(self) -> &'static str {
        match self {
            Self::Terminal => "",
            Self::Markdown => "## ",
        }
    }
}

/// One line of a table.
struct Row {
    method: String,
    probe: String,
    /// MSE of each parameter, their mean, and the mean's R2 on the test split; then, if the system has such a split, the
    /// mean MSE on held-out parameters. Empty where there is no score.
    values: Vec<Option<f64>>,
    note: String,
}

fn render(standings: &Standings<'_>, form: Form) -> String {
    let mut text = String::new();
    let systems = standings.by_system();
    for (system, cells) in &systems {
        let suite = &cells[0].0.suite;
        let title = format!("{}{system} (suite {} v{}): ", form.heading(), suite.name, suite.version);
        for track in [Track::Frozen, Track::EndToEnd] {
            let rows = rows(cells, track);
            if !rows.is_empty() {
                text += &format!("{title}{}\n\n{}", what(track), scores(form, suite, system, &rows));
            }
        }
        for costs in cost::tables(form, cells) {
            text += &format!("{title}what it cost, the mean over seeds\n\n{costs}\n\n");
        }
    }
    for track in [Track::Frozen, Track::EndToEnd] {
        if let Some(summary) = summary::summary(form, &systems, track) {
            let suite = &systems[0].1[0].0.suite;
            let title = format!("{}all systems (suite {} v{}): ", form.heading(), suite.name, suite.version);
            text += &format!("{title}{}; the mean over parameters\n\n{summary}\n\n", what(track));
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// What the numbers of a track are.
fn what(track: Track) -> &'static str {
    match track {
        Track::Frozen => "frozen encoders, MSE of the parameters on the test split, 1 = predicting the mean",
        Track::EndToEnd => "encoders trained end to end with labels, MSE likewise; random init: supervised alone",
    }
}

/// The scores of one track on one system, with their notes.
fn scores(form: Form, suite: &Suite, system: &str, rows: &[Row]) -> String {
    let mut columns = suite.parameter_names(system);
    let mean = columns.len();
    columns.extend(["mean", "R2"].map(String::from));
    columns.extend(suite.splits(system).contains(&Split::HeldOut).then(|| "held-out".to_owned()));
    let mut text = table(form, &columns, &[mean], rows) + "\n\n";
    for (number, note) in notes(rows).iter().enumerate() {
        text += &format!("[{}] {note}\n\n", number + 1);
    }
    text
}

/// How tables call the method of a cell.
fn name(cell: &Cell) -> String {
    match cell.initialisation() {
        Initialisation::Random => format!("{} (random init)", cell.method()),
        Initialisation::Joint => format!("{} (joint)", cell.method()),
        Initialisation::Pretrained | Initialisation::None => cell.method().to_owned(),
    }
}

/// The cells of one method and initialisation, which differ in their seeds.
fn same_row(a: &Cell, b: &Cell) -> bool {
    (a.method(), a.initialisation()) == (b.method(), b.initialisation())
}

/// The notes of all rows, each once, in the order of their numbers.
fn notes(rows: &[Row]) -> Vec<&str> {
    let mut notes = Vec::new();
    for row in rows.iter().filter(|row| !row.note.is_empty()) {
        if !notes.contains(&row.note.as_str()) {
            notes.push(&row.note);
        }
    }
    notes
}

/// One row of a track for each method, initialisation and probe, averaged over seeds. A failed cell is a row of the frozen
/// track with its reason.
fn rows(cells: &[&(&Cell, Outcome)], track: Track) -> Vec<Row> {
    let mut rows = Vec::new();
    for group in cells.chunk_by(|a, b| same_row(a.0, b.0)) {
        let cell = group[0].0;
        let parameters = cell.suite.parameter_names(cell.system());
        let held_out = cell.suite.splits(cell.system()).contains(&Split::HeldOut);
        let method = name(cell);
        let note: Vec<String> = group.iter().filter_map(|(cell, outcome)| note(cell, outcome)).collect();
        let results: Vec<&CellResult> = group.iter().filter_map(|(_, outcome)| outcome.result()).collect();
        let mut probes: Vec<&str> = Vec::new();
        for score in results.iter().flat_map(|result| &result.scores).filter(|score| score.track == track) {
            if !probes.contains(&score.probe.as_str()) {
                probes.push(&score.probe);
            }
        }
        for probe in &probes {
            let over_seeds = |split: Split, parameter: &str, metric: &str| {
                let scores = results.iter().flat_map(|result| &result.scores);
                let wanted = (track, *probe, split.name(), parameter, metric);
                mean(
                    scores
                        .filter(|s| (s.track, &*s.probe, &*s.split, &*s.parameter, &*s.metric) == wanted)
                        .map(|s| s.value),
                )
            };
            let test = |parameter: &str, metric: &str| over_seeds(Split::Test, parameter, metric);
            let mut values: Vec<_> = parameters.iter().map(|parameter| test(parameter, "mse")).collect();
            values.extend([test("mean", "mse"), test("mean", "r2")]);
            values.extend(held_out.then(|| over_seeds(Split::HeldOut, "mean", "mse")));
            rows.push(Row { method: method.clone(), probe: (*probe).to_owned(), values, note: note.join("; ") });
        }
        if probes.is_empty() && track == Track::Frozen {
            rows.push(Row { method, probe: "-".into(), values: Vec::new(), note: note.join("; ") });
        }
    }
    rows
}

/// The mean, if there is anything.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// What a reader must know of a cell that has no scores.
fn note(cell: &Cell, outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Done(_) => None,
        Outcome::Failed(reason) => Some(format!("seed {} failed: {reason}", cell.seed)),
        Outcome::Missing => Some(format!("seed {} was not run", cell.seed)),
    }
}

/// The best value of each of the columns `best_of` is bold; a row with a note has its number behind the method.
fn table(form: Form, columns: &[String], best_of: &[usize], rows: &[Row]) -> String {
    let best = |column: usize| rows.iter().filter_map(|row| *row.values.get(column)?).fold(f64::INFINITY, f64::min);
    let notes = notes(rows);
    let mut table = form.table();
    let mut header = vec!["method".to_owned(), "probe".to_owned()];
    header.extend_from_slice(columns);
    table.set_header(header);
    for row in rows {
        let number = notes.iter().position(|note| *note == row.note);
        let method = row.method.clone() + &number.map(|n| format!(" [{}]", n + 1)).unwrap_or_default();
        let mut line = vec![TableCell::new(method), TableCell::new(&row.probe)];
        for column in 0..columns.len() {
            let value = row.values.get(column).copied().flatten();
            let text = value.map_or("-".to_owned(), |value| format!("{value:.3}"));
            let mut cell = TableCell::new(text).set_alignment(CellAlignment::Right);
            if best_of.contains(&column) && value == Some(best(column)) {
                cell = cell.add_attribute(Attribute::Bold);
            }
            line.push(cell);
        }
        table.add_row(line);
    }
    table.to_string()
}
