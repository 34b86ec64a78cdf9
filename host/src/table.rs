//! The tables of a run: one a system, for the terminal and as Markdown.

use comfy_table::{Attribute, Cell as TableCell, CellAlignment, ContentArrangement, Table, TableStyle, presets};

use physrep_benchmarks::split::Split;

use crate::{
    cell::{Cell, Initialisation, Outcome},
    result::CellResult,
    standings::Standings,
};

/// The tables for a terminal.
pub fn terminal(standings: &Standings<'_>) -> String {
    render(standings, presets::UTF8_FULL_CONDENSED, "")
}

/// The tables as Markdown.
pub fn markdown(standings: &Standings<'_>) -> String {
    render(standings, presets::ASCII_MARKDOWN, "## ")
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

fn render(standings: &Standings<'_>, style: TableStyle, heading: &str) -> String {
    let mut text = String::new();
    for (system, cells) in standings.by_system() {
        let suite = &cells[0].0.suite;
        let parameters = suite.parameter_names(system);
        let held_out = suite.splits(system).contains(&Split::HeldOut);
        text += &format!(
            "{heading}{system} (suite {} v{}): MSE of the parameters on the test split, 1 = predicting the mean\n\n",
            suite.name, suite.version
        );
        let rows = rows(&cells, &parameters, held_out);
        let mut columns = parameters.clone();
        columns.extend(["mean", "R2"].map(String::from));
        columns.extend(held_out.then(|| "held-out".to_owned()));
        text += &table(style, &columns, parameters.len(), &rows);
        text += "\n\n";
        for (number, note) in notes(&rows).iter().enumerate() {
            text += &format!("[{}] {note}\n\n", number + 1);
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
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

/// One row for each method, initialisation and probe, averaged over seeds. A failed cell is a row with its reason.
fn rows(cells: &[&(&Cell, Outcome)], parameters: &[String], held_out: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    let identity = |cell: &Cell| (cell.method().to_owned(), cell.initialisation());
    for group in cells.chunk_by(|a, b| identity(a.0) == identity(b.0)) {
        let cell = group[0].0;
        let method = match cell.initialisation() {
            Initialisation::Random => format!("{} (random init)", cell.method()),
            _ => cell.method().to_owned(),
        };
        let note: Vec<String> = group.iter().filter_map(|(cell, outcome)| note(cell, outcome)).collect();
        let results: Vec<&CellResult> = group.iter().filter_map(|(_, outcome)| outcome.result()).collect();
        let mut probes: Vec<&str> = Vec::new();
        for score in results.iter().flat_map(|result| &result.scores) {
            if !probes.contains(&score.probe.as_str()) {
                probes.push(&score.probe);
            }
        }
        for probe in &probes {
            let test = |parameter: &str, metric: &str| mean_over_seeds(&results, probe, Split::Test, parameter, metric);
            let mut values: Vec<_> = parameters.iter().map(|parameter| test(parameter, "mse")).collect();
            values.extend([test("mean", "mse"), test("mean", "r2")]);
            values.extend(held_out.then(|| mean_over_seeds(&results, probe, Split::HeldOut, "mean", "mse")));
            rows.push(Row { method: method.clone(), probe: (*probe).to_owned(), values, note: note.join("; ") });
        }
        if probes.is_empty() {
            rows.push(Row { method, probe: "-".into(), values: Vec::new(), note: note.join("; ") });
        }
    }
    rows
}

/// What a reader must know of a cell that has no scores.
fn note(cell: &Cell, outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Done(_) => None,
        Outcome::Failed(reason) => Some(format!("seed {} failed: {reason}", cell.seed)),
        Outcome::Missing => Some(format!("seed {} was not run", cell.seed)),
    }
}

fn mean_over_seeds(results: &[&CellResult], probe: &str, split: Split, parameter: &str, metric: &str) -> Option<f64> {
    let scores = results.iter().flat_map(|result| &result.scores);
    let values: Vec<f64> = scores
        .filter(|s| s.split == split.name() && s.probe == probe && s.parameter == parameter && s.metric == metric)
        .map(|score| score.value)
        .collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The best value of the column `mean` is bold; a row with a note has its number behind the method.
fn table(style: TableStyle, columns: &[String], mean: usize, rows: &[Row]) -> String {
    let best = rows.iter().filter_map(|row| *row.values.get(mean)?).fold(f64::INFINITY, f64::min);
    let notes = notes(rows);
    let mut table = Table::new();
    // Numbers and names are never broken, however narrow the terminal.
    table.load_style(style).set_content_arrangement(ContentArrangement::Disabled);
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
            if column == mean && value == Some(best) {
                cell = cell.add_attribute(Attribute::Bold);
            }
            line.push(cell);
        }
        table.add_row(line);
    }
    table.to_string()
}
