//! The columns and rows of scores.csv.

use physrep_benchmarks::{Regime, Split};
use physrep_records::{CellOutcome, Initialisation::*};

use super::run::{cell, edited, errors, run, score, with_outcome};
use crate::Form;

#[test]
fn there_is_a_row_per_score_and_parameter_and_the_regime_is_empty_for_a_whole_split() {
    let extrapolated = edited(cell("jepa", Pretrained, 0, 0.25), |record| {
        let mut held_out = score("ridge", 0.5, &errors(2.0));
        (held_out.split, held_out.regime) = (Split::HeldOut, Some(Regime::NearExtrapolation));
        (held_out.mean.r2, held_out.parameters[0].metrics.r2) = (Option::None, Option::None);
        record.scores.push(held_out);
        record.scores[0].fits = vec![0.2, 0.25, 0.3];
    });
    let failed = with_outcome(cell("mpp", Pretrained, 0, 0.3), CellOutcome::Missing);
    let csv = Form::Csv.render(&run(vec![extrapolated, failed])).expect("CSV");
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(
        lines[0],
        "suite,suite_version,draw,system,method,initialisation,seed,track,probe,label_fraction,split,regime,parameter,mse,r2,trajectory_mse,\
         trajectory_r2,fits_std"
    );
    assert_eq!(lines.len(), 5, "two scores of one cell, each for a parameter and the mean: {csv}");
    assert!(
        lines[1].starts_with("tiny,4,0,shear_flow,jepa,pretrained,0,frozen,ridge,1.0,test,,Reynolds,0.25"),
        "{csv}"
    );
    assert!(lines[1].ends_with(','), "the fits are not of single parameters: {csv}");
    assert!(lines[2].contains(",test,,mean,0.25"), "{csv}");
    let fits_std: f64 = lines[2].rsplit(',').next().expect("a column").parse().expect("a number");
    assert!((fits_std - 0.05).abs() < 1e-12, "{csv}");
    assert!(lines[4].ends_with(','), "one fit: {csv}");
    let held_out = lines[3];
    assert!(
        held_out.contains(",0.5,") && held_out.contains("extrapolation,Reynolds,2") && held_out.contains(",,"),
        "{csv}"
    );
}
