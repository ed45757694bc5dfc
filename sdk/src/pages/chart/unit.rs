/// What the numbers of a chart are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit<'a> {
    /// A number of things.
    #[default]
    Count,
    /// Milliseconds; long ones are said in seconds, minutes or hours.
    Milliseconds,
    /// Bytes; many are said in KiB, MiB, GiB, TiB.
    Bytes,
    /// Per second.
    PerSecond,
    /// Hundredths: 100 is the whole.
    Percent,
    /// Another unit, written after the number.
    Other(&'a str),
}

impl Unit<'_> {
    /// A value in words, three significant figures: `1.25 s`, `340 MiB`, `12,400`.
    pub fn format(self, value: f64) -> String {
        let value = if value.is_finite() { value } else { 0.0 };
        match self {
            Unit::Count => number(value),
            Unit::PerSecond => format!("{}/s", number(value)),
            Unit::Percent => format!(
                "{} %",
                if value > 99.0 && value < 100.0 {
                    fixed(value, 2)
                } else {
                    number(value)
                }
            ),
            Unit::Other(unit) => format!("{} {unit}", number(value)),
            Unit::Milliseconds => scaled(
                value,
                &[
                    (3_600_000.0, "h"),
                    (60_000.0, "min"),
                    (1_000.0, "s"),
                    (1.0, "ms"),
                    (0.001, "µs"),
                ],
                "ms",
            ),
            Unit::Bytes => scaled(
                value,
                &[
                    (1_099_511_627_776.0, "TiB"),
                    (1_073_741_824.0, "GiB"),
                    (1_048_576.0, "MiB"),
                    (1_024.0, "KiB"),
                    (1.0, "B"),
                ],
                "B",
            ),
        }
    }

    /// The unit alone, for a column's head; empty for counts.
    pub fn word(&self) -> &str {
        match self {
            Unit::Count => "",
            Unit::Milliseconds => "ms",
            Unit::Bytes => "bytes",
            Unit::PerSecond => "per second",
            Unit::Percent => "%",
            Unit::Other(unit) => unit,
        }
    }
}

fn scaled(value: f64, steps: &[(f64, &str)], zero: &str) -> String {
    match steps.iter().find(|(size, _)| value.abs() >= *size) {
        Some((size, word)) => format!("{} {word}", number(value / size)),
        None => format!("{} {zero}", number(value)),
    }
}

/// Three significant figures, thousands apart, and from a million on in powers that people read.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1e15 => format!("{value:.2e}"),
        size if size >= 1e9 => format!("{} G", fixed(value / 1e9, 1)),
        size if size >= 1e6 => format!("{} M", fixed(value / 1e6, 1)),
        size if size >= 100.0 => grouped(value),
        size if size >= 10.0 => fixed(value, 1),
        size if size >= 0.01 => fixed(value, 2),
        size if size >= 1e-6 => fixed(value, 6),
        _ => "0".to_owned(),
    }
}

/// A number of decimals, without the zeros at the end.
fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// A whole number with commas.
fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut out = String::from(if value < 0.0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
