//! The colours of the page and of its figures, in light and in dark mode.
//!
//! The colours of rows are from Paul Tol's colour-blind safe schemes (*Introduction to colour schemes*, SRON/EPS/TN/09-002): vibrant and
//! muted on white, light on black.

use std::fmt::Write;

/// The number of colours of rows.
pub(crate) const ROWS: usize = 7;

/// The name of each colour, and its value in light and in dark mode.
const COLOURS: &[(&str, &str, &str)] = &[
    ("paper", "#ffffff", "#14171a"),
    ("raised", "#f6f7f8", "#1d2125"),
    ("ink", "#1b1f23", "#e8eaed"),
    ("soft", "#57606a", "#a3adb8"),
    ("rule", "#d5dae0", "#363d45"),
    ("grid", "#e9ecef", "#2a3036"),
    ("link", "#0a58a8", "#8ab8ee"),
    ("focus", "#b5480b", "#ffb77a"),
    ("c0", "#0077bb", "#77aadd"),
    ("c1", "#cc3311", "#ee8866"),
    ("c2", "#117733", "#44bb99"),
    ("c3", "#882255", "#ffaabb"),
    ("c4", "#8c8c2e", "#eedd88"),
    ("c5", "#332288", "#99ddff"),
    ("c6", "#5f6670", "#bbcc33"),
    ("floor", "#57606a", "#a3adb8"),
];

/// The style of the parts of figures, in terms of the colours.
const FIGURES: &str = include_str!("figure.css");

/// The colours as CSS variables, dark where the reader prefers that; print is always light.
pub(crate) fn variables() -> String {
    let list = |of: fn(&(&str, &str, &str)) -> String| COLOURS.iter().map(of).collect::<String>();
    let light = list(|(name, light, _)| format!("--{name}:{light};"));
    let dark = list(|(name, _, dark)| format!("--{name}:{dark};"));
    format!(
        ":root{{color-scheme:light dark;{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
    )
}

/// The style of figures on the page.
pub(crate) fn figures() -> String {
    let mut style = FIGURES.to_owned();
    for (class, colour) in
        (0..ROWS).map(|row| (format!("c{row}"), format!("c{row}"))).chain([("floor".into(), "floor".into())])
    {
        writeln!(
            style,
            ".{class} .mark{{fill:var(--{colour});stroke:var(--{colour})}}.{class} .line,.{class} .whisker{{stroke:var(--{colour})}}\
             .{class}.hollow .mark{{fill:var(--paper)}}"
        )
        .expect("writing to a string cannot fail");
    }
    style
}

/// The style of a figure in a file of its own, with the light colours in place of variables, which few programs but browsers know.
pub(crate) fn standalone() -> String {
    COLOURS.iter().fold(figures(), |style, (name, light, _)| style.replace(&format!("var(--{name})"), light))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contrast of two colours (WCAG 2.2, *contrast ratio*).
    fn contrast(a: &str, b: &str) -> f64 {
        let luminance = |colour: &str| -> f64 {
            let part = |at: usize| {
                let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).expect("hexadecimal")) / 255.0;
                if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_and_marks_stand_out_from_the_paper_in_light_and_in_dark() {
        let papers = COLOURS.iter().find(|(name, ..)| *name == "paper").expect("paper");
        for (name, light, dark) in COLOURS {
            let needed = match *name {
                "ink" | "soft" | "link" => 4.5,
                "paper" | "raised" | "rule" | "grid" => continue,
                _ => 3.0,
            };
            for (colour, paper) in [(light, papers.1), (dark, papers.2)] {
                let found = contrast(colour, paper);
                assert!(found >= needed, "{name} {colour} on {paper}: {found:.2}");
            }
        }
    }

    #[test]
    fn a_figure_in_a_file_of_its_own_needs_no_variable() {
        let style = standalone();
        assert!(!style.contains("var("), "{style}");
        assert!(variables().contains("prefers-color-scheme:dark"));
    }
}
