//! `physrep-bench table`: the tables of a run, in several formats.

use std::{path::PathBuf, process::ExitCode};

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use physrep_records::{RunResults, files};
use physrep_report::{Form, PaperTable};

use crate::{arguments::RunFolder, error::Result, output};

/// What to print.
#[derive(Debug, Args)]
pub struct Table {
    #[command(flatten)]
    run: RunFolder,
    /// The format; csv has all scores, one per row.
    #[arg(long, default_value = Form::Terminal.name(), value_parser = form())]
    format: Form,
    /// The file to write instead of printing.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    paper: Paper,
}

/// One table of all systems, as a paper shows it, instead of all tables. Any of these asks for it.
#[derive(Debug, Args)]
#[command(next_help_heading = "One table, as a paper shows it")]
struct Paper {
    /// The probe of the one table [default: the first].
    #[arg(long)]
    probe: Option<String>,
    /// Only these methods, separated by commas.
    #[arg(long, value_delimiter = ',')]
    methods: Vec<String>,
    /// Only these systems, separated by commas.
    #[arg(long, value_delimiter = ',')]
    systems: Vec<String>,
    /// Without random initialisations.
    #[arg(long)]
    no_random: bool,
    /// Another name of a method, such as --rename "mine=Mine (ours)".
    #[arg(long, value_name = "METHOD=NAME", value_parser = name)]
    rename: Vec<(String, String)>,
    /// LaTeX without a document around the table, for \input.
    #[arg(long)]
    fragment: bool,
    /// The LaTeX label of the table.
    #[arg(long)]
    label: Option<String>,
}

impl Paper {
    /// What the one table shows; none if nothing asks for it.
    fn table(self) -> Option<PaperTable> {
        let Self { probe, methods, systems, no_random, rename, fragment, label } = self;
        let table = PaperTable { probe, methods, systems, without_random: no_random, names: rename, fragment, label };
        (table != PaperTable::default()).then_some(table)
    }
}

/// `METHOD=NAME`.
fn name(text: &str) -> Result<(String, String), String> {
    let (method, name) = text.split_once('=').ok_or("expected METHOD=NAME, such as \"mine=Mine (ours)\"")?;
    Ok((method.to_owned(), name.to_owned()))
}

fn form() -> impl TypedValueParser<Value = Form> {
    let form = |name: String| Form::ALL.into_iter().find(|form| form.name() == name).ok_or("there is no such form");
    PossibleValuesParser::new(Form::ALL.map(Form::name)).try_map(form)
}

impl Table {
    /// Prints or writes all tables, or one.
    pub fn run(self) -> Result<ExitCode> {
        let results = RunResults::read(&self.run.path()?)?;
        let text = match self.paper.table() {
            Some(table) => table.render(&results, self.format)?,
            None => self.format.render(&results)?,
        };
        match &self.out {
            Some(path) => files::write(path, text.as_bytes())?,
            None => output::write_styled(text),
        }
        Ok(ExitCode::SUCCESS)
    }
}
