use std::fmt::Write;

use super::Unit;
use super::scale::{Scale, drawable};
use crate::pages::{Escaped, Html};

const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 28.0;

/// Space around the line, so that the dot at its end is whole.
const PAD: f64 = 4.0;

/// A line of 120×28 for a table's cell: the shape of the values, from their least to their largest, and a dot at the last.
///
/// The label names what it is for screen readers and the tooltip; the number itself belongs in a cell beside it.
pub fn spark(label: &str, unit: Unit<'_>, values: &[Option<f64>]) -> Html {
    let drawn: Vec<f64> = values.iter().filter_map(|value| drawable(*value)).collect();
    let Some(last) = drawn.last() else {
        return Html::trusted(format!(
            r#"<svg class="spark" width="120" height="28" viewBox="0 0 120 28" role="img"><title>{}: no data</title><path class="spark-none" d="M4 14H116"/></svg>"#,
            Escaped(label)
        ));
    };
    let least = drawn.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = drawn.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let across = Scale::new(0.0, values.len().saturating_sub(1) as f64, WIDTH - 2.0 * PAD);
    // Equal values draw a line through the middle.
    let margin = if largest > least { 0.0 } else { least.abs().max(1.0) };
    let up = Scale::new(least - margin, largest + margin, HEIGHT - 2.0 * PAD);

    let mut path = String::new();
    let mut end = (PAD, HEIGHT / 2.0);
    let mut drawing = false;
    for (at, value) in values.iter().enumerate() {
        let Some(value) = drawable(*value) else {
            drawing = false;
            continue;
        };
        end = (PAD + across.at(at as f64), HEIGHT - PAD - up.at(value));
        // Writing to a String does not fail.
        let _ = write!(path, "{}{:.1} {:.1}", if drawing { 'L' } else { 'M' }, end.0, end.1);
        drawing = true;
    }
    Html::trusted(format!(
        r#"<svg class="spark" width="120" height="28" viewBox="0 0 120 28" role="img"><title>{}: {}, between {} and {}</title><path d="{path}"/><circle cx="{:.1}" cy="{:.1}" r="2.5"/></svg>"#,
        Escaped(label),
        Escaped(unit.format(*last)),
        Escaped(unit.format(least)),
        Escaped(unit.format(largest)),
        end.0,
        end.1,
    ))
}
