//! `physrep-bench report`: a run as one page that needs no network, and each figure as SVG with its numbers as CSV.
//!
//! Everything is derived from the records of cells. What only their folders have, curves of losses and sample fields, is left out
//! where it is not there. The same run gives the same bytes.

mod colours;
mod cost;
mod efficiency;
mod environment;
mod figure;
mod overview;
mod page;
mod plot;
mod predictions;
mod protocol;
mod rows;
mod samples;
mod table;
mod training;

use std::path::{Path, PathBuf};

use clap::Args;
use maud::{Markup, html};

use crate::{
    Error, Result,
    board::{Board, Row, System},
    files,
    plan::Plan,
    result::Track,
    standings::Standings,
    table as tables,
};
use figure::Figure;
use page::Section;
use rows::{Palette, spaced};
use table::Table;

/// What to report.
#[derive(Clone, Debug, Args)]
pub struct Command {
    /// The folder of a run, or of several merged.
    #[arg(default_value = "runs/tiny")]
    run: PathBuf,
    /// Where the report goes [default: RUN/report].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Writes the report of a run.
pub fn run(command: &Command) -> Result<()> {
    let standings = Standings::read(&command.run)?;
    let out = command.out.clone().unwrap_or_else(|| command.run.join("report"));
    let (page, figures) = write(&command.run, &standings, &out)?;
    println!("written: {} and {figures} figures beside it", page.display());
    Ok(())
}

/// Writes `report.html` into `out`, and `figures/NAME.svg` and `figures/NAME.csv` beside it. The page's path comes back, and how many
/// figures there are.
pub fn write(run: &Path, standings: &Standings, out: &Path) -> Result<(PathBuf, usize)> {
    let plan = Plan::read(run)?;
    let board = Board::of(standings)
        .ok_or_else(|| Error::Usage(format!("{}: the run has no cells to report", run.display())))?;
    let (html, figures) = report(run, &plan, &board);
    for figure in &figures {
        let folder = out.join("figures");
        files::write(&folder.join(format!("{}.svg", figure.name)), figure.svg().as_bytes())?;
        files::write(&folder.join(format!("{}.csv", figure.name)), &figure.csv()?)?;
    }
    let path = out.join("report.html");
    files::write(&path, html.as_bytes())?;
    Ok((path, figures.len()))
}

/// The page, and the figures on it.
fn report(run: &Path, plan: &Plan, board: &Board<'_>) -> (String, Vec<Figure>) {
    let palette = Palette::of(board);
    let mut figures = Vec::new();
    let mut shown = |new: Vec<Figure>| -> Markup {
        let page = html! { @for figure in &new { (figure.inline()) } };
        figures.extend(new);
        page
    };
    let overview = shown(overview::figure(board, &palette).into_iter().collect());
    let scores = html! {
        @for grid in Track::ALL.iter().filter_map(|&track| tables::summary::table(board, track)) { (Table::of(&grid).render()) }
        (overview)
        @for system in &board.systems {
            h3 { (spaced(system.name)) }
            (scores(board, system))
        }
    };
    let predictions = html! {
        @for system in &board.systems {
            h3 { (spaced(system.name)) }
            (or(shown(predictions::figures(system, &palette)), "No pretrained encoder has a result."))
        }
    };
    let labels = board.systems.iter().filter_map(|system| efficiency::figure(system, &palette)).collect();
    let labels = or(shown(labels), "This run's probes saw all labels; there is no smaller share to compare with.");
    let losses = shown(training::figures(run, plan, board, &palette));
    let losses = or(losses, "The curves of pretraining are not beside the results.");
    let costs = html! {
        (shown(cost::figure(board, &palette).into_iter().collect()))
        @for grid in board.systems.iter().flat_map(|system| tables::cost::tables(board, system)) { (Table::of(&grid).render()) }
    };
    let samples = html! {
        @for system in &board.systems {
            @match samples::figure(run, plan, system.name) {
                Ok(figure) => (shown(vec![figure])),
                Err(reason) => p { (spaced(system.name)) " is not shown: " (reason) "." },
            }
        }
    };
    let health = html! {
        @for grid in board.systems.iter().filter_map(|system| tables::health::table(board, system)) { (Table::of(&grid).render()) }
        (health_legend())
    };
    let sections = [
        ("scores", "Scores", scores),
        ("predictions", "Predicted and true", predictions),
        ("labels", "Label efficiency", labels),
        ("training", "Training", losses),
        ("cost", "Cost", costs),
        ("fields", "Sample fields", samples),
        ("health", "Health", health),
        ("protocol", "Protocol", protocol::section(board)),
        ("environment", "Environment", environment::section(board)),
    ];
    let sections: Vec<Section> = sections.into_iter().map(|(id, title, body)| Section { id, title, body }).collect();
    (page::render(&board.suite.name, board.suite.version, &lead(board), &sections), figures)
}

/// A system's tables: by probe, and, folded, by parameter.
fn scores(board: &Board<'_>, system: &System<'_>) -> Markup {
    let by_probe = Track::ALL.iter().filter_map(|&track| tables::scores::overview(board, system, track));
    let by_parameter = Track::ALL.iter().filter_map(|&track| tables::scores::by_parameter(board, system, track));
    html! {
        @for grid in by_probe { (Table::of(&grid).render()) }
        @for grid in by_parameter {
            details {
                summary { (grid.title) }
                (Table::of(&grid).render())
            }
        }
    }
}

/// A part of the page, or a sentence where there is none.
fn or(part: Markup, sentence: &str) -> Markup {
    if part.0.is_empty() {
        html! { p { (sentence) } }
    } else {
        part
    }
}

/// What the numbers mean, in two sentences, and what is missing.
fn lead(board: &Board<'_>) -> Markup {
    let failures = failures(board);
    html! {
        p class="lead" {
            "Encoders are pretrained without labels on films of physical systems and frozen; small standard probes then read the governing \
             parameters from their embeddings. Each number is the mean squared error of that reading on test trajectories, on labels of \
             variance 1: 0 is perfect, 1 is what always predicting the mean scores, and lower is better."
        }
        @if !failures.is_empty() {
            div class="warning" {
                p { @if failures.len() == 1 { "1 cell has no result" } @else { (failures.len()) " cells have no result" } }
                ul { @for failure in &failures { li { (failure) } } }
            }
        }
    }
}

/// Every row that is not done as it should be, with why.
fn failures(board: &Board<'_>) -> Vec<String> {
    let unfinished = |system: &str, row: &Row<'_>| -> Vec<String> {
        let of = |note: &&String| note.contains(" failed: ") || note.ends_with(" was not run");
        row.notes.iter().filter(of).map(|note| format!("{} on {}, {note}", row.name(), spaced(system))).collect()
    };
    board.systems.iter().flat_map(|system| system.rows.iter().flat_map(|row| unfinished(system.name, row))).collect()
}

/// How to read the tables of health.
fn health_legend() -> Markup {
    html! {
        dl {
            dt { "Effective rank" }
            dd { "The exponential of the entropy of the singular values of the centred, mean-pooled embeddings (Roy and Vetterli 2007): \
                  how many of their dimensions they fill. Below 2 they have collapsed. Constant: dimensions that do not vary." }
            dt { "Deviation of dimensions" }
            dd { "The standard deviation over windows, of the dimension with the smallest to that with the largest." }
            dt { "Gradient norm, silent tensors" }
            dd { "The Euclidean norm over all trained parameters in the first ten steps, and the trained tensors that no gradient reached." }
            dt { "R2 of shuffled labels" }
            dd { "What ridge regression reads on test when labels are shuffled among trajectories, from the lowest to the highest of the \
                  shuffles. There is nothing to read, so that the range should contain 0." }
        }
    }
}
