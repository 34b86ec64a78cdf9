//! The known name that a mistyped one probably means.

use strsim::damerau_levenshtein;

/// ` (did you mean NAME?)`, to stand behind a name that is none of `known`; nothing if none of them is alike. Of names with dots, such as
/// `training.lr`, the last parts alone may be.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let nearest = known.into_iter().map(|known| (difference(name, known), known)).min();
    match nearest {
        Some((difference, known)) if difference <= (name.chars().count() / 3).max(1) => {
            format!(" (did you mean `{known}`?)")
        }
        _ => String::new(),
    }
}

/// The letters to add, remove, replace or swap, apart from capitals and dashes; none for what one begins with if the other is all of it.
fn difference(name: &str, known: &str) -> usize {
    let [name, known] = [name, known].map(|name| name.to_lowercase().replace('-', "_"));
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let begun = name.len() >= 3 && (known.starts_with(&name) || name.starts_with(&known) && !known.is_empty());
    let whole = if begun { 0 } else { damerau_levenshtein(&name, &known) };
    whole.min(damerau_levenshtein(&last(&name), &last(&known)))
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn the_nearest_name_is_meant() {
        let systems = ["active_matter", "shear_flow", "rayleigh_benard"];
        let methods = ["jepa", "videomae", "mpp", "disco", "autoencoder"];
        let keys = ["dims", "sim_coeff", "std_coeff", "training.lr", "training.warmup"];
        let cases: [(&str, &[&str], &str); 9] = [
            ("shearflow", &systems, "shear_flow"),
            ("Shear-Flow", &systems, "shear_flow"),
            ("rayleigh", &systems, "rayleigh_benard"),
            ("jeap", &methods, "jepa"),
            ("video-mae", &methods, "videomae"),
            ("lr", &keys, "training.lr"),
            ("trainig.lr", &keys, "training.lr"),
            ("optimizer.warm_up", &keys, "training.warmup"),
            ("sim_coef", &keys, "sim_coeff"),
        ];
        for (name, known, meant) in cases {
            assert_eq!(did_you_mean(name, known.iter().copied()), format!(" (did you mean `{meant}`?)"), "{name}");
        }
    }

    #[test]
    fn nothing_is_guessed_of_a_name_that_is_like_no_other() {
        assert_eq!(did_you_mean("weather", ["shear_flow", "active_matter"]), "");
        assert_eq!(did_you_mean("x", ["jepa", "mpp"]), "");
        assert_eq!(did_you_mean("lr", []), "");
        assert_eq!(did_you_mean("", ["mpp"]), "");
    }
}
