//! Tables as LaTeX with booktabs: a document that compiles by itself, from which a paper takes the tables that it needs.

use super::text::{numbers, value};
use crate::tables::table::{Entry, Style, Table};

/// The document of all tables.
pub(super) fn document(tables: &[Table]) -> String {
    let tables: Vec<String> = tables.iter().map(render).collect();
    format!(
        "\\documentclass{{article}}\n\\usepackage{{booktabs}}\n\
         \\usepackage[margin=1cm]{{geometry}}\n\\begin{{document}}\n\\pagestyle{{empty}}\n\\scriptsize\n\n{}\n\\end{{document}}\n",
        tables.join("\n\\clearpage\n\n")
    )
}

/// One table.
fn render(table: &Table) -> String {
    let alignment: String = table.columns.iter().map(|column| if column.numeric { 'r' } else { 'l' }).collect();
    let mut text = format!(
        "\\begin{{table}}[p]\n\\centering\n\\caption{{{}. {}}}\n",
        escaped(&table.title),
        escaped(&table.legend)
    );
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
