//! Tables as LaTeX with booktabs: a document that compiles by itself, from which a paper takes the tables it wants.

use super::grid::{Grid, Style};

/// The document of all tables.
pub(super) fn document(grids: &[Grid]) -> String {
    let tables: Vec<String> = grids.iter().map(render).collect();
    format!(
        "\\documentclass{{article}}\n\\usepackage{{booktabs}}\n\
         \\usepackage[margin=1cm]{{geometry}}\n\\begin{{document}}\n\\pagestyle{{empty}}\n\\scriptsize\n\n{}\n\\end{{document}}\n",
        tables.join("\n\\clearpage\n\n")
    )
}

/// One table.
fn render(grid: &Grid) -> String {
    let columns: String = (0..grid.columns.len()).map(|column| if column < grid.words { 'l' } else { 'r' }).collect();
    let line = |cells: Vec<String>| format!("{} \\\\\n", cells.join(" & "));
    let mut text =
        format!("\\begin{{table}}[p]\n\\centering\n\\caption{{{}. {}}}\n", escape(&grid.title), escape(&grid.legend));
    text += &format!("\\begin{{tabular}}{{{columns}}}\n\\toprule\n");
    text += &line(grid.columns.iter().map(|name| escape(name)).collect());
    text += "\\midrule\n";
    for row in &grid.rows {
        if row.ruled {
            text += "\\midrule\n";
        }
        let cell = |entry: &super::grid::Entry| {
            let text = escape(&entry.text);
            let text = match entry.style {
                Style::Plain => text,
                Style::Best => format!("\\textbf{{{text}}}"),
                Style::Tied => format!("\\underline{{{text}}}"),
            };
            match entry.notes.is_empty() {
                true => text,
                false => {
                    let numbers: Vec<String> = entry.notes.iter().map(usize::to_string).collect();
                    format!("{text}\\textsuperscript{{{}}}", numbers.join(","))
                }
            }
        };
        text += &line(row.entries.iter().map(cell).collect());
    }
    text += "\\bottomrule\n\\end{tabular}\n";
    for (number, note) in grid.notes.iter().enumerate() {
        text += &format!("\n{{\\footnotesize\\textsuperscript{{{}}} {}\\par}}\n", number + 1, escape(note));
    }
    text + "\\end{table}\n"
}

/// Text that LaTeX sets as it is.
fn escape(text: &str) -> String {
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
            // Fonts of other scripts are the paper's own matter.
            _ => escaped.push(' '),
        }
    }
    escaped
}
