use std::fmt::Write as _;

use super::{Families, Family};

/// Upper ends of the buckets that Prometheus is shown, in microseconds and as it reads them: its client libraries' own, with two finer ones for a fast kernel.
const BUCKETS: [(u64, &str); 13] = [
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (500_000, "0.5"),
    (1_000_000, "1"),
    (2_500_000, "2.5"),
    (10_000_000, "10"),
];

pub(super) fn render(families: &Families) -> String {
    let mut text = String::new();
    for (name, Family { help, series }) in &families.counters {
        header(&mut text, name, help, "counter");
        for (labels, counter) in series {
            line(
                &mut text,
                name,
                labels.iter().map(|(key, value)| (*key, value.as_str())),
                counter.get() as f64,
            );
        }
    }
    for (name, (help, gauge)) in &families.gauges {
        header(&mut text, name, help, "gauge");
        line(&mut text, name, std::iter::empty(), (gauge.0)());
    }
    for (name, (help, levels)) in &families.levels {
        header(&mut text, name, help, "gauge");
        for (labels, value) in (levels.0)() {
            line(
                &mut text,
                name,
                labels.iter().map(|(key, value)| (*key, value.as_str())),
                value,
            );
        }
    }
    for (name, Family { help, series }) in &families.histograms {
        header(&mut text, name, help, "histogram");
        for (labels, histogram) in series {
            let snapshot = histogram.snapshot();
            let own = || labels.iter().map(|(key, value)| (*key, value.as_str()));
            for (micros, seconds) in BUCKETS {
                let count = snapshot.up_to(micros);
                line(
                    &mut text,
                    &format!("{name}_bucket"),
                    own().chain([("le", seconds)]),
                    count as f64,
                );
            }
            line(
                &mut text,
                &format!("{name}_bucket"),
                own().chain([("le", "+Inf")]),
                snapshot.count as f64,
            );
            line(
                &mut text,
                &format!("{name}_sum"),
                own(),
                snapshot.sum_micros as f64 / 1_000_000.0,
            );
            line(&mut text, &format!("{name}_count"), own(), snapshot.count as f64);
        }
    }
    if !families.recorded.is_empty() {
        header(
            &mut text,
            "recorded",
            "The latest value recorded under each name.",
            "gauge",
        );
        for ((name, tags), value) in &families.recorded {
            let labels: Vec<_> = tags
                .iter()
                .map(|(key, value)| (format!("tag_{}", label_name(key)), value))
                .collect();
            let labels = labels.iter().map(|(key, value)| (key.as_str(), value.as_str()));
            line(
                &mut text,
                "recorded",
                std::iter::once(("name", name.as_str())).chain(labels),
                *value,
            );
        }
    }
    text
}

fn header(text: &mut String, name: &str, help: &str, kind: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line<'a>(text: &mut String, name: &str, labels: impl Iterator<Item = (&'a str, &'a str)>, value: f64) {
    text.push_str(name);
    for (index, (key, value)) in labels.enumerate() {
        text.push(if index == 0 { '{' } else { ',' });
        let _ = write!(text, "{key}=\"");
        for c in value.chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                c => text.push(c),
            }
        }
        text.push('"');
    }
    if text.ends_with('"') {
        text.push('}');
    }
    let _ = writeln!(text, " {value}");
}

fn label_name(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect()
}
