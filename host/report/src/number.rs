//! Values for people.

/// A value with at most four significant digits; values below 0.001 or from 100 000 on as powers of ten, such as `5·10⁵`.
pub fn number(value: f64) -> String {
    let size = value.abs();
    let plain = |value: f64, digits: usize| {
        let text = format!("{value:.digits$}");
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        if text == "-0" { "0".into() } else { text.replace('-', "−") }
    };
    if size < 1e-12 {
        return "0".into();
    }
    if (1e-3..1e5).contains(&size) {
        let digits = 3 - size.log10().floor().min(3.0) as i32;
        return plain(value, digits.clamp(0, 6) as usize);
    }
    let exponent = size.log10().floor();
    let (mantissa, exponent) = match plain(value / 10f64.powf(exponent), 2) {
        text if text == "10" => ("1".into(), exponent + 1.0),
        text => (text, exponent),
    };
    let raised: String = format!("{exponent}").chars().map(superscript).collect();
    if mantissa == "1" { format!("10{raised}") } else { format!("{mantissa}·10{raised}") }
}

fn superscript(digit: char) -> char {
    match digit.to_digit(10) {
        Some(digit) => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][digit as usize],
        None => '⁻',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let cases = [
            (0.0, "0"),
            (-0.5, "−0.5"),
            (1.05, "1.05"),
            (500.0, "500"),
            (0.1f32.into(), "0.1"),
            (1e4, "10000"),
            (5e5, "5·10⁵"),
            (1e10, "10¹⁰"),
            (-2.5e-6, "−2.5·10⁻⁶"),
            (7.05, "7.05"),
            (19.9, "19.9"),
            (1234.5678, "1235"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }
}
