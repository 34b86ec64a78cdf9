//! `physrep-bench report`: a run as one page that needs no network, and each figure as SVG with its numbers as CSV.
//!
//! Everything is derived from the records of cells. What only their folders have, curves of losses and sample fields, is left out
//! where it is not there. The same run gives the same bytes.

mod colours;
mod cost;
mod efficiency;
mod environment;
mod figure;
mod health;
mod overview;
mod page;
mod plot;
mod predictions;
mod protocol;
mod rows;
mod samples;
mod scores;
mod table;
mod training;

use std::path::{Path, PathBuf};

use clap::Args;
use maud::{Markup, html};

use crate::{Error, Result, board::Board, files, plan::Plan, standings::Standings};
use figure::Figure;
use page::Section;
use rows::{Palette, spaced};

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
        (scores::summary(board).unwrap_or_default())
        (overview)
        @for system in &board.systems {
            h3 { (spaced(system.name)) }
            (scores::system(board, system))
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
        @for system in &board.systems { (cost::table(system).unwrap_or_default()) }
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
        @for system in &board.systems { (health::table(system).unwrap_or_default()) }
        (health::legend())
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
    let failures = scores::failures(board);
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
