//! A figure: panels side by side, a caption, and the values that are drawn. On the page each panel is a picture of its own, so that panels
//! wrap on a narrow screen; in a file the figure is one picture.

use maud::{Markup, PreEscaped, html};

use super::colours;
use crate::{
    error::{Error, Result},
    plot::px,
};

/// One panel.
pub(crate) struct Panel {
    /// The text above it.
    pub title: String,
    /// What it shows, in words.
    pub description: String,
    /// Width and height, in pixels.
    pub size: [f64; 2],
    /// The drawing, below the 16 pixels of the title.
    pub drawing: Markup,
}

/// The values behind a figure: one row per mark.
pub(crate) struct Data {
    /// The columns.
    pub header: Vec<String>,
    /// The rows, each with one value per column.
    pub rows: Vec<Vec<String>>,
}

/// Panels with a caption.
pub(crate) struct Figure {
    /// The name of its files and of its anchor on the page.
    pub name: String,
    /// What it shows, in short.
    pub title: String,
    /// How to read it.
    pub caption: String,
    /// Panels per row in a file.
    pub columns: usize,
    pub panels: Vec<Panel>,
    pub data: Data,
}

/// The space between panels in a file.
const GAP: f64 = 20.0;

impl Data {
    /// No rows yet, with these columns.
    pub fn new(header: &[&str]) -> Self {
        Self { header: header.iter().map(|&name| name.to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn push<const N: usize>(&mut self, row: [String; N]) {
        self.rows.push(row.to_vec());
    }
}

impl Figure {
    /// The figure on the page, with links to its files in `figures`.
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

    /// The values that are drawn, as CSV.
    pub fn csv(&self) -> Result<Vec<u8>> {
        let failed = |source: csv::Error| Error::Csv { what: format!("figure {}", self.name), source };
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in std::iter::once(&self.data.header).chain(&self.data.rows) {
            writer.write_record(row).map_err(failed)?;
        }
        writer.into_inner().map_err(|e| failed(e.into_error().into()))
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

/// A value of [`Data`] that may be missing.
pub(crate) fn optional(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{super::names::file_name, *};

    #[test]
    fn a_figure_with_a_hostile_name_is_valid_and_its_files_stay_in_their_folder() {
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
