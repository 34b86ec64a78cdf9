//! Every form shows the typed values of the same tables.

use physrep_records::{CellOutcome, Initialisation::*, RunResults};

use super::run::{cell, edited, errors, on, run, score, with_outcome};
use crate::{Form, scores_so_far, terminal_summary};

fn markdown(results: &RunResults) -> String {
    Form::Markdown.render(results).expect("Markdown")
}

fn latex(results: &RunResults) -> String {
    Form::Latex.render(results).expect("LaTeX")
}

fn terminal(results: &RunResults) -> String {
    Form::Terminal.render(results).expect("text")
}

/// Two methods and a floor with two seeds on one system; a method that failed on one seed.
fn results() -> RunResults {
    let hostile = "a|b *c* `d` <script> & 5 % of $x_1$ {y} \\z ~ ^ #\nnext";
    run(vec![
        cell("jepa", Pretrained, 0, 0.2),
        cell("jepa", Pretrained, 1, 0.21),
        cell("mpp_large", Pretrained, 0, 0.9),
        with_outcome(cell("mpp_large", Pretrained, 1, 0.9), CellOutcome::Failed(hostile.into())),
        cell("mean", None, 0, 1.0),
        cell("mean", None, 1, 1.0),
    ])
}

#[test]
fn scores_have_their_interval_style_and_notes_in_every_form() {
    let results = results();
    let markdown = markdown(&results);
    assert!(markdown.contains("## shear_flow, frozen encoders (suite tiny v4, draw 0)"), "{markdown}");
    assert!(markdown.contains("| method | ridge |\n| --- | --: |\n| jepa | **0.205 ± 0.064** |"), "{markdown}");
    assert!(markdown.contains("| mpp\\_large [1, 2] | 0.900"), "{markdown}");
    assert!(markdown.contains("| mean | 1.000 |"), "{markdown}");
    assert!(markdown.contains("[2] one seed only"), "{markdown}");
    let latex = latex(&results);
    assert!(latex.contains("jepa & \\textbf{0.205 $\\pm$ 0.064} \\\\"), "{latex}");
    assert!(latex.contains("mpp\\_large\\textsuperscript{1,2} & 0.900"), "{latex}");
    assert!(latex.contains("\\midrule\nmean & 1.000 \\\\"), "a rule above the floors: {latex}");
    let terminal = terminal(&results);
    assert!(terminal.contains("0.205 ± 0.064") && terminal.contains("mpp_large [1, 2]"), "{terminal}");
    assert!(terminal.lines().filter(|line| line.starts_with('[')).all(|line| line.chars().count() <= 100));
}

#[test]
fn tied_scores_are_underlined() {
    let tie: Vec<f32> = errors(0.21).iter().enumerate().map(|(t, e)| e + 0.15 * (-1f32).powi(t as i32)).collect();
    let tied = edited(cell("mpp", Pretrained, 0, 0.0), |record| record.scores = vec![score("ridge", 1.0, &tie)]);
    let results = run(vec![cell("jepa", Pretrained, 0, 0.2), tied]);
    assert!(markdown(&results).contains("| mpp | <u>0.210 ± "), "{}", markdown(&results));
    assert!(latex(&results).contains("mpp & \\underline{0.210 $\\pm$ "), "{}", latex(&results));
}

#[test]
fn hostile_text_is_escaped_in_every_form() {
    let results = results();
    let (markdown, latex) = (markdown(&results), latex(&results));
    let expected = r"[1] seed 1 failed: a\|b \*c\* \`d\` &lt;script> &amp; 5 % of \$x\_1\$ {y} \\z \~ ^ # next";
    assert!(markdown.contains(expected), "{markdown}");
    let expected = r"seed 1 failed: a\textbar{}b *c* `d` \textless{}script\textgreater{} \& 5 \% of \$x\_1\$ \{y\} \textbackslash{}z \textasciitilde{} \textasciicircum{} \# next";
    assert!(latex.contains(expected), "{latex}");
    assert_eq!(latex.matches("\\begin{").count(), latex.matches("\\end{").count());
}

#[test]
fn health_and_ranks_are_printed_as_before() {
    let markdown = markdown(&results());
    assert!(
        markdown.contains("| jepa | 12.3 of 64 | 0.10 to 2.0 | 0 | 0.50 to 3.0 | 0 | -0.20 to 0.10 |"),
        "{markdown}"
    );
    assert!(markdown.contains("| jepa | ridge | 0.205 | **0.205 ± 0.064** | 0.795 | 0.205 | 1 |"), "{markdown}");
    assert!(markdown.contains("| mean | mean | 1.000 | 1.000 | 0.000 | 1.000 | - |"), "{markdown}");
}

#[test]
fn label_fractions_and_cost_have_tables_of_their_own() {
    let rich = edited(cell("jepa", Pretrained, 0, 0.2), |record| {
        record.scores.insert(0, score("ridge", 0.1, &errors(0.5)));
        record.cost.pretrain.seconds = 12.34;
        record.cost.pretrain.samples = 1000;
        record.cost.pretrain.peak_memory_mib = Some(300);
        record.cost.pretrain.peak_device_memory_mib = Some(77);
        record.cost.end_to_end.seconds = 2.0;
    });
    let markdown = markdown(&run(vec![rich]));
    assert!(markdown.contains("by label fraction (suite tiny v4, draw 0)"), "{markdown}");
    assert!(markdown.contains("| method | probe | 10 % | 100 % |"), "{markdown}");
    assert!(markdown.contains("| jepa | ridge | 0.500 ± "), "{markdown}");
    let columns =
        "| method | encoder weights | tokens x dim | pretrain s | pretrain clips/s | pretrain MiB | pretrain GPU MiB |";
    assert!(markdown.contains(columns), "{markdown}");
    assert!(markdown.contains("| jepa | 1234 | 16 x 64 | 12.3 | 81 | 300 | 77 |"), "{markdown}");
    assert!(
        markdown.contains("end to end s") && !markdown.contains("probe s"),
        "only phases that took time: {markdown}"
    );
}

#[test]
fn a_run_ends_with_scores_health_and_a_summary_of_several_systems() {
    let cells = [cell("jepa", Pretrained, 0, 0.2), on("active_matter", cell("jepa", Pretrained, 0, 0.4))];
    let summary = terminal_summary(&run(cells.to_vec()));
    for title in ["shear_flow, frozen encoders", "active_matter, health", "all systems, frozen encoders"] {
        assert!(summary.contains(title), "{title}: {summary}");
    }
    assert!(!summary.contains("by parameter"), "{summary}");
    assert_eq!(terminal_summary(&run(Vec::new())), "\n");
}

#[test]
fn a_run_that_goes_on_shows_the_scores_that_there_are() {
    let waiting = with_outcome(on("active_matter", cell("mpp", Pretrained, 0, 0.4)), CellOutcome::Missing);
    let scores = scores_so_far(&run(vec![cell("jepa", Pretrained, 0, 0.2), waiting.clone()]));
    let lines: Vec<Vec<&str>> = scores.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[1], ["method", "shear", "flow", "active", "matter"], "{scores}");
    assert_eq!(lines[2..], [vec!["jepa", "0.200", "-"]], "no row without a score, nor a precision: {scores}");
    assert_eq!(scores_so_far(&run(vec![waiting])), "");
}

#[test]
fn the_spread_of_fits_stands_in_brackets_and_the_caption_says_so() {
    let fitted = edited(cell("jepa", Pretrained, 0, 0.2), |record| record.scores[0].fits = vec![0.19, 0.2, 0.21]);
    let results = run(vec![fitted, cell("mpp", Pretrained, 0, 0.9)]);
    let (markdown, latex) = (markdown(&results), latex(&results));
    let line = markdown.lines().find(|line| line.starts_with("| jepa | **0.200 ± ")).expect("a line");
    assert!(line.ends_with(" (0.010)** |"), "{line}");
    assert!(markdown.contains("in brackets: the standard deviation over fits of the probe"), "{markdown}");
    assert!(latex.contains(" (0.010)} \\\\"), "{latex}");
    assert!(markdown.lines().any(|line| line.starts_with("| mpp | 0.900 ± ") && !line.contains('(')), "{markdown}");
    assert!(!super::forms::markdown(&run(vec![cell("mpp", Pretrained, 0, 0.9)])).contains("brackets"));
}
