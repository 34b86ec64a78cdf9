//! A figure: panels side by side, a caption, and the numbers that are drawn. On the page each panel is a picture of its own, so that
//! they find their places on a narrow screen; in a file of its own the figure is one.

use maud::{Markup, PreEscaped, html};

use super::{colours, plot::px};
use crate::{Error, Result};

/// One picture.
pub(super) struct Panel {
    /// What stands above it.
    pub title: String,
    /// What it shows, in words.
    pub description: String,
    /// Width and height.
    pub size: [f64; 2],
    /// What is drawn, below the title's 16 pixels.
    pub drawing: Markup,
}

/// The numbers behind a figure: one row a mark.
pub(super) struct Data {
    /// The columns.
    pub header: Vec<String>,
    /// As many values in each row.
    pub rows: Vec<Vec<String>>,
}

/// Panels with a caption.
pub(super) struct Figure {
    /// What its files and its anchor are called.
    pub name: String,
    /// What it shows, in short.
    pub title: String,
    /// How to read it.
    pub caption: String,
    /// Panels in a row in a file of its own.
    pub columns: usize,
    pub panels: Vec<Panel>,
    pub data: Data,
}

/// Between panels in a file of its own.
const GAP: f64 = 20.0;

impl Data {
    pub fn new(header: &[&str]) -> Self {
        Self { header: header.iter().map(|&name| name.to_owned()).collect(), rows: Vec::new() }
    }

    pub fn push<const N: usize>(&mut self, row: [String; N]) {
        self.rows.push(row.to_vec());
    }
}

impl Figure {
    /// The figure on the page; its files lie in `figures` beside it.
    pub fn inline(&self) -> Markup {
        let id = format!("figure-{}", self.name);
        let widest = self.panels.iter().map(|panel| panel.size[0]).fold(0.0, f64::max);
        html! {
            figure id=(id) aria-labelledby={ (id) "-title" } {
                figcaption {
                    strong id={ (id) "-title" } { (self.title) } " " (self.caption) " "
                    span class="files" {
                        a href={ "figures/" (self.name) ".svg" } { "SVG" } " "
                        a href={ "figures/" (self.name) ".csv" } { "CSV" }
                    }
                }
                div class="panels" style={ "--panel:" (px(widest)) "px" } {
                    @for (place, panel) in self.panels.iter().enumerate() {
                        @let (title, description) = (format!("{id}-{place}-title"), format!("{id}-{place}-desc"));
                        svg class="figure" role="img" aria-labelledby={ (title) " " (description) }
                            viewBox={ "0 0 " (px(panel.size[0])) " " (px(panel.size[1])) } {
                            title id=(title) { (panel.title) }
                            desc id=(description) { (panel.description) }
                            (panel.body())
                        }
                    }
                }
            }
        }
    }

    /// The figure as a file.
    pub fn svg(&self) -> String {
        let columns = self.columns.clamp(1, self.panels.len().max(1));
        let size = |axis: usize| self.panels.iter().map(|panel| panel.size[axis]).fold(0.0, f64::max);
        let ([width, height], rows) = ([size(0), size(1)], self.panels.len().div_ceil(columns));
        let total = [(columns, width), (rows, height)].map(|(count, length)| count as f64 * (length + GAP) + GAP);
        let [total_width, total_height] = [total[0], total[1] + 22.0];
        let drawing = html! {
            title { (self.title) }
            desc { (self.caption) }
            style { (PreEscaped(colours::standalone())) }
            rect class="paper" width=(px(total_width)) height=(px(total_height)) {}
            text class="panel-title" x=(px(GAP)) y="26" { (self.title) }
            @for (place, panel) in self.panels.iter().enumerate() {
                @let [x, y] = [place % columns, place / columns].map(|place| place as f64);
                g transform={ "translate(" (px(GAP + x * (width + GAP))) " " (px(GAP + 22.0 + y * (height + GAP))) ")" } {
                    (panel.body())
                }
            }
        };
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"figure\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\">{2}</svg>\n",
            px(total_width),
            px(total_height),
            drawing.into_string()
        )
    }

    /// What is drawn, as CSV.
    pub fn csv(&self) -> Result<Vec<u8>> {
        let wrong = |reason: String| Error::Usage(format!("figure {}: cannot be written as CSV: {reason}", self.name));
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in std::iter::once(&self.data.header).chain(&self.data.rows) {
            writer.write_record(row).map_err(|e| wrong(e.to_string()))?;
        }
        writer.into_inner().map_err(|e| wrong(e.to_string()))
    }
}

impl Panel {
    fn body(&self) -> Markup {
        html! {
            text class="panel-title" x="0" y="12" { (self.title) }
            (self.drawing)
        }
    }
}

/// What a file may be called after a name that anyone may have chosen.
pub(super) fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_it_is_called_a_figure_is_a_picture_and_its_files_stay_in_their_folder() {
        let hostile = "</svg><script>alert(1)</script>\"&'../..";
        let panel = |title: &str| Panel {
            title: title.into(),
            description: hostile.into(),
            size: [100.0, 50.0],
            drawing: html! { text { (hostile) } },
        };
        let mut data = Data::new(&["method", "value"]);
        data.push(["=1+1,\"\n".into(), "0.1".into()]);
        let figure = Figure {
            name: file_name(hostile),
            title: hostile.into(),
            caption: hostile.into(),
            columns: 2,
            panels: vec![panel(hostile), panel("other"), panel("third")],
            data,
        };
        assert!(!figure.name.contains(['/', '.', '<']), "{}", figure.name);
        let (page, file) = (figure.inline().into_string(), figure.svg());
        assert!(!page.contains("<script") && !file.contains("<script"), "{page}{file}");
        let parsed = roxmltree::Document::parse(&file).expect("XML");
        assert_eq!(
            parsed.descendants().filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "g"))).count(),
            3
        );
        let csv = figure.csv().expect("CSV");
        let rows: Vec<_> = csv::Reader::from_reader(csv.as_slice()).records().map(|row| row.expect("a row")).collect();
        assert_eq!(&rows[0][0], "=1+1,\"\n");
    }
}
