//! `physrep-bench data info`: a summary of data.

use std::{
    io::{IsTerminal, stdout},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use physrep_benchmarks::{
    inspect::{ChannelReport, Contents, FileKind, find_data},
    well::Moments,
};
use serde_json::{Value, json};

use super::{
    inspection::Limits,
    summary::Summary,
    text::{bytes, counted, one_line, print_line},
};
use crate::{display::Display, error::Result, output::note};

#[derive(Debug, Args)]
pub struct Info {
    /// Files, folders of data sets, or folders of several.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Do not read the values.
    #[arg(long)]
    no_stats: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    limits: Limits,
}

impl Info {
    /// Prints a summary, and errors to standard error. The exit code is 1 if a file cannot be read.
    pub fn run(self) -> Result<ExitCode> {
        let display = Display::default();
        let mut summaries = Vec::new();
        for path in &self.paths {
            for target in find_data(path)? {
                let (task, paths) = Summary::files(&target);
                let reports = self.limits.inspect(&paths, !self.no_stats, &display, &task)?;
                display.clear(&task);
                summaries.extend(Summary::of(&target, &reports));
            }
        }
        if self.json {
            let all: Vec<Value> = summaries.iter().map(as_json).collect();
            print_line(format_args!("{:#}", Value::Array(all)));
        } else {
            summaries.iter().for_each(print);
        }
        for (path, finding) in summaries.iter().flat_map(|summary| &summary.errors) {
            note!("error: {}: {finding}", one_line(path));
        }
        let unread = summaries.iter().any(|summary| summary.unread > 0);
        Ok(if unread { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn print(summary: &Summary) {
    print_line(format_args!("{}", one_line(&summary.path)));
    let Some(contents) = &summary.contents else { return print_line("  nothing that can be read\n") };
    print_line(format_args!("{}\n", facts(summary, contents)));
    let fields = contents.fields.iter().map(|field| {
        let shape = field.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
        [
            field.name.clone(),
            format!("{:?}", field.rank).to_lowercase(),
            shape,
            field.dtype.clone(),
            field.storage.clone(),
            bytes(field.bytes),
        ]
    });
    print_line(format_args!("{}\n", table(["field", "rank", "shape", "type", "storage", "size"], fields)));
    if !contents.channels.is_empty() {
        let channels = contents.channels.iter().map(|channel| {
            let [min, max] = channel.range.map_or(["-".into(), "-".into()], |range| range.map(|v| number(v.into())));
            [channel.name.clone(), min, number(channel.values.mean()), number(channel.values.std()), max]
        });
        print_line(format_args!("statistics of {}", summary.statistics_of()));
        print_line(format_args!("{}\n", table(["channel", "min", "mean", "std", "max"], channels)));
    }
}

/// The first table: one fact per line.
fn facts(summary: &Summary, contents: &Contents) -> Table {
    let mut rows = vec![("data set".to_owned(), one_word(&contents.dataset))];
    match &contents.kind {
        FileKind::Well => rows.push(("format".into(), "The Well, HDF5".into())),
        FileKind::Packed { suite, .. } => rows.push(("format".into(), format!("packed for suite {suite}"))),
    }
    for axis in &contents.axes {
        let [first, last] = axis.ends.map(number);
        let boundary = format!("{:?}", axis.boundary).to_lowercase();
        rows.push((format!("axis {}", axis.name), format!("{} points, {first} to {last}, {boundary}", axis.points)));
    }
    let [first, last] = contents.times.map(number);
    rows.push(("times".into(), format!("{} frames, {first} to {last}", contents.frames)));
    for parameter in &contents.parameters {
        rows.push((one_word(&parameter.name), listed(&parameter.values)));
    }
    for split in &summary.splits {
        let files = if split.files > 0 { format!(", {}", counted(split.files, "file")) } else { String::new() };
        let size = if split.bytes > 0 { format!(", {}", bytes(split.bytes)) } else { String::new() };
        rows.push((split.name.clone(), format!("{}{files}{size}", counted(split.trajectories, "trajectory"))));
    }
    if summary.splits.is_empty() {
        rows.push(("trajectories".into(), contents.trajectories.to_string()));
    }
    rows.push(("size".into(), bytes(summary.bytes)));
    let mut table = empty();
    rows.into_iter().for_each(|(name, value)| {
        table.add_row([name, value]);
    });
    table
}

fn table<const N: usize>(header: [&str; N], rows: impl Iterator<Item = [String; N]>) -> Table {
    let mut table = empty();
    table.set_header(header);
    rows.for_each(|row| {
        table.add_row(row.map(|text| one_word(&text)));
    });
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// An empty table: framed on a terminal, else Markdown. Cells are never wrapped.
fn empty() -> Table {
    let mut table = Table::new();
    let style = if stdout().is_terminal() { presets::UTF8_FULL_CONDENSED } else { presets::ASCII_MARKDOWN };
    table.load_style(style).set_content_arrangement(ContentArrangement::Disabled);
    table
}

/// Removes control characters from a name, which comes from a file and is not trusted.
fn one_word(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// The values of a parameter; of more than published data has, their number and ends.
fn listed(values: &[f64]) -> String {
    match values {
        [first, .., last] if values.len() > 12 => {
            format!("{} values, {} to {}", values.len(), number(*first), number(*last))
        }
        _ => values.iter().map(|&value| number(value)).collect::<Vec<_>>().join(", "),
    }
}

/// Five significant digits, in the shorter notation.
fn number(value: f64) -> String {
    let rounded: f64 = format!("{value:.4e}").parse().unwrap_or(value);
    let (plain, scientific) = (rounded.to_string(), format!("{rounded:e}"));
    if plain.len() <= scientific.len() + 2 { plain } else { scientific }
}

fn as_json(summary: &Summary) -> Value {
    let mut value = json!({
        "path": summary.path,
        "bytes": summary.bytes,
        "splits": summary.splits,
        "contents": summary.contents,
        "errors": summary.errors.iter().map(|(path, e)| json!({ "path": path, "error": e.to_string() })).collect::<Vec<_>>(),
        "warnings": summary.warnings,
    });
    if let Some(contents) = &summary.contents {
        let moments = |m: &Moments| json!({ "mean": m.mean(), "std": m.std() });
        let channel = |c: &ChannelReport| {
            let [min, max] = c.range.map_or([None, None], |range| range.map(Some));
            json!({ "name": c.name, "min": min, "mean": c.values.mean(), "std": c.values.std(), "max": max,
                    "delta": moments(&c.deltas) })
        };
        value["contents"]["channels"] = contents.channels.iter().map(channel).collect();
        value["statistics_of"] = summary.statistics_of().into();
    }
    value
}
