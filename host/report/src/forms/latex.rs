//! Tables as LaTeX with booktabs: a document that compiles by itself, from which a paper takes the tables that it needs.

use super::text::{numbers, value};
use crate::tables::table::{Entry, Style, Table};

/// The document of all tables.
pub(super) fn document(tables: &[Table]) -> String {
    document_of(&tables.iter().map(|table| render(table, None, "p")).collect::<Vec<_>>())
}

/// A document of table environments.
pub(super) fn document_of(tables: &[String]) -> String {
    format!(
        "\\documentclass{{article}}\n\\usepackage{{booktabs}}\n\
         \\usepackage[margin=1cm]{{geometry}}\n\\begin{{document}}\n\\pagestyle{{empty}}\n\\scriptsize\n\n{}\n\\end{{document}}\n",
        tables.join("\n\\clearpage\n\n")
    )
}

/// One table environment where LaTeX is to place it, with a label for references to it.
pub(super) fn render(table: &Table, label: Option<&str>, placement: &str) -> String {
    let alignment: String = table.columns.iter().map(|column| if column.numeric { 'r' } else { 'l' }).collect();
    let mut text = format!(
        "\\begin{{table}}[{placement}]\n\\centering\n\\caption{{{}. {}}}\n",
        escaped(&table.title),
        escaped(&table.legend)
    );
    text += &label.map(|label| format!("\\label{{{}}}\n", label_text(label))).unwrap_or_default();
    text += &format!("\\begin{{tabular}}{{{alignment}}}\n\\toprule\n");
    text += &line(table.columns.iter().map(|column| escaped(&column.name)));
    text += "\\midrule\n";
    for row in &table.lines {
        if row.ruled {
            text += "\\midrule\n";
        }
        text += &line(row.entries.iter().map(cell));
    }
    text += "\\bottomrule\n\\end{tabular}\n";
    for (number, note) in (1..).zip(&table.notes) {
        text += &format!("\n{{\\footnotesize\\textsuperscript{{{number}}} {}\\par}}\n", escaped(note));
    }
    text + "\\end{table}\n"
}

fn line(cells: impl Iterator<Item = String>) -> String {
    format!("{} \\\\\n", cells.collect::<Vec<_>>().join(" & "))
}

fn cell(entry: &Entry) -> String {
    let text = escaped(&value(&entry.value));
    let text = match entry.style {
        Style::Plain => text,
        Style::Best => format!("\\textbf{{{text}}}"),
        Style::Tied => format!("\\underline{{{text}}}"),
    };
    match entry.notes.is_empty() {
        true => text,
        false => format!("{text}\\textsuperscript{{{}}}", numbers(&entry.notes, ",")),
    }
}

/// A label as LaTeX reads it: what would end it or is special there becomes a dash.
fn label_text(label: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ":._-/+".contains(c);
    label.chars().map(|c| if allowed(c) { c } else { '-' }).collect()
}

/// Text that LaTeX typesets as it is. Characters outside ASCII become spaces, since fonts of other scripts are up to the paper.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', c]),
            '\\' => escaped += "\\textbackslash{}",
            '~' => escaped += "\\textasciitilde{}",
            '^' => escaped += "\\textasciicircum{}",
            '<' => escaped += "\\textless{}",
            '>' => escaped += "\\textgreater{}",
            '|' => escaped += "\\textbar{}",
            '±' => escaped += "$\\pm$",
            '×' => escaped += "$\\times$",
            c if c.is_ascii() && !c.is_ascii_control() => escaped.push(c),
            _ => escaped.push(' '),
        }
    }
    escaped
}
