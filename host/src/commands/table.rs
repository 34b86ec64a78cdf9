//! `physrep-bench table`: the tables of a run, in several formats.

use std::{path::PathBuf, process::ExitCode};

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use physrep_records::{RunResults, files};
use physrep_report::Form;

use crate::error::Result;

/// What to print.
#[derive(Debug, Args)]
pub struct Table {
    /// The folder of a run, or of several merged.
    #[arg(default_value = "runs/tiny")]
    run: PathBuf,
    /// The format; csv has all scores, one per row.
    #[arg(long, default_value = Form::Terminal.name(), value_parser = form())]
    format: Form,
    /// The file to write instead of printing.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn form() -> impl TypedValueParser<Value = Form> {
    let form = |name: String| Form::ALL.into_iter().find(|form| form.name() == name).ok_or("there is no such form");
    PossibleValuesParser::new(Form::ALL.map(Form::name)).try_map(form)
}

impl Table {
    /// Prints or writes all tables.
    pub fn run(self) -> Result<ExitCode> {
        let text = self.format.render(&RunResults::read(&self.run)?)?;
        match &self.out {
            Some(path) => files::write(path, text.as_bytes())?,
            None => print!("{text}"),
        }
        Ok(ExitCode::SUCCESS)
    }
}
