use proptest::prelude::*;

use super::scale::{time_ticks, value_ticks};
use super::{
    Bar, BarChart, LineChart, Series, Unit, UptimeDay, Waterfall, WaterfallSpan, bar, line, spark, uptime_bar,
    waterfall,
};
use crate::pages::{Html, Status};

fn chart(points: &[(i64, Option<f64>)]) -> String {
    line(&LineChart {
        title: "Latency",
        unit: Unit::Milliseconds,
        series: &[Series {
            name: "p50",
            class: "p50",
            points,
        }],
        range_label: "Last hour",
    })
    .into_string()
}

/// The `d` of the first line drawn.
fn stroke(chart: &str) -> &str {
    let (_, rest) = chart
        .split_once(r#"<path class="chart-line is-p50" d=""#)
        .expect("a line");
    rest.split_once('"').expect("its end").0
}

#[test]
fn a_gap_starts_a_new_stroke() {
    let drawn = chart(&[
        (0, Some(1.0)),
        (1, Some(2.0)),
        (2, None),
        (3, Some(3.0)),
        (4, Some(4.0)),
    ]);
    assert_eq!(stroke(&drawn).matches('M').count(), 2, "{}", stroke(&drawn));
    assert_eq!(stroke(&drawn).matches('L').count(), 2);
    assert!(drawn.contains("no data"));
}

#[test]
fn a_point_alone_between_gaps_is_a_dot() {
    let drawn = chart(&[(0, None), (1, Some(2.0)), (2, None)]);
    assert_eq!(stroke(&drawn), "");
    assert!(drawn.contains(r#"is-p50 is-lone" d="M2000 8.0h0""#), "{drawn}");
}

#[test]
fn a_chart_without_values_says_so() {
    assert!(chart(&[]).contains("No data in this range."));
    assert!(chart(&[(0, None), (1, Some(f64::NAN))]).contains("No data in this range."));
}

#[test]
fn the_last_value_stands_at_the_end_of_its_line_with_its_unit() {
    assert!(chart(&[(0, Some(1.0)), (60_000, Some(1250.0))]).contains("</tspan> 1.25 s</text>"));
}

#[test]
fn a_table_that_is_not_whole_says_so() {
    let points: Vec<_> = (0..600).map(|at| (at, Some(1.0))).collect();
    assert!(chart(&points).contains("The newest 500 of 600 rows."));
}

#[test]
fn values_have_round_ticks_that_hold_zero() {
    assert_eq!(value_ticks(3.0..=97.0, 4), [0.0, 50.0, 100.0]);
    assert_eq!(value_ticks(0.0..=40.0, 4), [0.0, 10.0, 20.0, 30.0, 40.0]);
    assert_eq!(value_ticks(-5.0..=5.0, 4), [-5.0, 0.0, 5.0]);
}

#[test]
fn times_have_round_ticks_in_their_own_words() {
    let hour: Vec<String> = time_ticks(0, 3_600_000, 5)
        .into_iter()
        .map(|(_, words)| words)
        .collect();
    assert_eq!(hour, ["00:00", "00:15", "00:30", "00:45", "01:00"]);
    let days: Vec<String> = time_ticks(0, 3 * 86_400_000, 5)
        .into_iter()
        .map(|(_, words)| words)
        .collect();
    assert_eq!(days, ["1 Jan", "2 Jan", "3 Jan", "4 Jan"]);
}

#[test]
fn units_choose_a_size_that_people_read() {
    assert_eq!(Unit::Milliseconds.format(0.25), "250 µs");
    assert_eq!(Unit::Milliseconds.format(90_000.0), "1.5 min");
    assert_eq!(Unit::Bytes.format(1_572_864.0), "1.5 MiB");
    assert_eq!(Unit::Count.format(12_400.0), "12,400");
    assert_eq!(Unit::Percent.format(99.98), "99.98 %");
    assert_eq!(Unit::PerSecond.format(0.0), "0/s");
}

#[test]
fn days_tell_by_shape_what_they_tell_by_colour() {
    let day = |status| {
        uptime_bar(
            "core",
            &[UptimeDay {
                date: "2026-10-05",
                status,
                detail: "",
            }],
        )
        .into_string()
    };
    let shapes: std::collections::BTreeSet<String> = [Status::Healthy, Status::Degraded, Status::Down, Status::Unknown]
        .map(|status| {
            let drawn = day(status);
            drawn.split("</title>").nth(1).expect("a shape").to_owned()
        })
        .into();
    assert_eq!(shapes.len(), 4);
}

/// Numbers of every kind, the awkward ones often.
fn any_value() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        Just(None),
        any::<f64>().prop_map(Some),
        prop_oneof![
            Just(f64::NAN),
            Just(f64::INFINITY),
            Just(f64::NEG_INFINITY),
            Just(f64::MAX),
            Just(f64::MIN),
            Just(f64::MIN_POSITIVE),
            Just(5e-324),
            Just(-0.0),
        ]
        .prop_map(Some),
        (-1e3..1e3f64).prop_map(Some),
    ]
}

/// Whether a number of the drawing is none, and whether anything in it could leave the text it stands in.
fn check(drawn: &str) -> Result<(), TestCaseError> {
    let markup = drawn.to_ascii_lowercase();
    prop_assert!(!markup.contains("nan"), "{drawn}");
    prop_assert!(!markup.contains("inf"), "{drawn}");
    prop_assert!(!markup.contains("<script"), "{drawn}");
    prop_assert!(!markup.contains("\" onload"), "{drawn}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_input_draws_what_is_no_number(
        points in prop::collection::vec((prop_oneof![any::<i64>(), 0..10_000_000i64], any_value()), 0..40),
        more in prop::collection::vec((0..10_000_000i64, any_value()), 0..40),
    ) {
        let hostile = "<script>\" onload=\"x";
        let drawn = line(&LineChart {
            title: hostile,
            unit: Unit::Other(hostile),
            series: &[
                Series { name: hostile, class: hostile, points: &points },
                Series { name: "b", class: "p95", points: &more },
            ],
            range_label: hostile,
        });
        check(drawn.as_str())?;
        let values: Vec<Option<f64>> = points.iter().map(|(_, value)| *value).collect();
        for unit in [Unit::Milliseconds, Unit::Bytes, Unit::Count, Unit::Percent, Unit::PerSecond, Unit::Other(hostile)] {
            check(spark(hostile, unit, &values).as_str())?;
        }
        let bars: Vec<Bar<'_>> = values.iter().map(|value| Bar { name: hostile, value: *value, href: Some(hostile) }).collect();
        check(bar(&BarChart { title: hostile, unit: Unit::Bytes, of: hostile, bars: &bars, range_label: hostile }).as_str())?;
        let days: Vec<UptimeDay<'_>> =
            values.iter().map(|_| UptimeDay { date: hostile, status: Status::Down, detail: hostile }).collect();
        check(uptime_bar(hostile, &days).as_str())?;
        let details = Html::text(hostile);
        let spans: Vec<WaterfallSpan<'_>> = values
            .iter()
            .map(|value| WaterfallSpan {
                name: hostile,
                service: hostile,
                href: Some(hostile),
                depth: 99,
                start: value.unwrap_or_default(),
                duration: value.unwrap_or(f64::NAN),
                failed: value.is_none(),
                details: &details,
            })
            .collect();
        check(waterfall(&Waterfall { title: hostile, range_label: hostile, spans: &spans }).as_str())?;
    }
}
