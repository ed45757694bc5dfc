use chrono::DateTime;

use super::*;

/// 03:20 in the night of a day.
fn now() -> DateTime<Utc> {
    "2026-10-05T03:20:00Z".parse().expect("a moment")
}

fn history(days: &[(&str, u32, Hour)]) -> History {
    let mut history = History::new();
    for (date, hour, counts) in days {
        let day = history.entry(date.parse().expect("a date")).or_default();
        day[*hour as usize] = *counts;
    }
    history
}

#[test]
fn hours_reach_back_over_midnight_and_end_with_the_running_one() {
    let history = history(&[("2026-10-04", 23, [7, 0, 0]), ("2026-10-05", 3, [2, 1, 0])]);
    let hours = hours(&history, now());
    assert_eq!(hours.len(), 24);
    assert_eq!((hours[23].ok, hours[23].degraded), (2, 1));
    assert_eq!(hours[19].ok, 7);
    assert_eq!(hours[19].from.to_string(), "2026-10-04T23:00:00.000Z");
}

#[test]
fn a_gap_is_neither_up_nor_down() {
    let history = history(&[("2026-10-04", 1, [3, 0, 1])]);
    let days = days(&history, now());
    assert_eq!(days.len(), 90);
    assert_eq!(worst(&days[89]), ProbeStatus::Unknown);
    assert_eq!((worst(&days[88]), days[88].measured_hours), (ProbeStatus::Down, 1));
    assert_eq!(share(&days), Some(0.75));
    assert_eq!(share(&days[..80]), None);
}

#[test]
fn an_old_answer_says_nothing_about_now() {
    let found = |ago: i64| Found {
        status: ProbeStatus::Ok,
        at: Timestamp(now() - TimeDelta::seconds(ago)),
        latency_ms: Some(1.0),
    };
    let status = |ago| {
        uptime(
            "core",
            "blackroad-os-core",
            &History::new(),
            Some(&found(ago)),
            30,
            now(),
        )
        .status
    };
    assert_eq!(status(89), ProbeStatus::Ok);
    assert_eq!(status(91), ProbeStatus::Unknown);
}
