use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use crate::error::{Error, Result};

/// A cron expression in a time zone.
///
/// Five fields, or six with seconds first, or a nickname such as `@hourly`. Across a change of clocks a fixed local time that does not
/// exist runs at the next valid moment of its pattern, and one that comes twice runs once, the first time.
#[derive(Clone, Debug)]
pub struct Cadence {
    cron: Cron,
    zone: Tz,
}

impl Cadence {
    /// Reads an expression and an IANA time zone.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, with what is wrong in which of the two.
    pub fn parse(expression: &str, zone: &str) -> Result<Self> {
        let parser = CronParser::builder()
            .seconds(Seconds::Optional)
            .year(Year::Disallowed)
            .build();
        let cron = parser.parse(expression).map_err(|error| {
            Error::invalid(format!(
                "schedule {expression:?} is no cron expression ({error}); five fields such as \"*/5 * * * *\", or six with seconds first"
            ))
            .with_code("INVALID_SCHEDULE")
        })?;
        let zone = zone.parse().map_err(|_| {
            Error::invalid(format!(
                "timezone {zone:?} is no IANA time zone, such as Europe/Berlin or UTC"
            ))
            .with_code("INVALID_SCHEDULE")
        })?;
        Ok(Cadence { cron, zone })
    }

    /// The first tick after a moment; `None` where there is none to come.
    pub fn after(&self, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = moment.with_timezone(&self.zone);
        let next = self.cron.find_next_occurrence(&local, false).ok()?.with_timezone(&Utc);
        // Guards the loop that lives on this: a tick always lies ahead.
        (next > moment).then_some(next)
    }

    /// The first tick after a moment that also lies after now: what was missed in between counts as one.
    pub fn catch_up(&self, from: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.after(from.max(now - TimeDelta::milliseconds(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn ticks_are_read_in_their_time_zone() {
        let cadence = Cadence::parse("30 9 * * *", "America/New_York").unwrap();
        assert_eq!(
            cadence.after(moment("2026-01-10T00:00:00Z")).unwrap(),
            moment("2026-01-10T14:30:00Z")
        );
        assert_eq!(
            cadence.after(moment("2026-07-10T00:00:00Z")).unwrap(),
            moment("2026-07-10T13:30:00Z")
        );
    }

    #[test]
    fn a_local_time_that_comes_twice_runs_once() {
        // Clocks in Berlin go back from 03:00 to 02:00 on 2026-10-25.
        let cadence = Cadence::parse("30 2 * * *", "Europe/Berlin").unwrap();
        let first = cadence.after(moment("2026-10-24T12:00:00Z")).unwrap();
        assert_eq!(first, moment("2026-10-25T00:30:00Z"));
        assert_eq!(cadence.after(first).unwrap(), moment("2026-10-26T01:30:00Z"));
    }

    #[test]
    fn a_local_time_that_does_not_exist_runs_once_at_the_end_of_the_gap() {
        // Clocks in Berlin go forward from 02:00 to 03:00 on 2026-03-29.
        let cadence = Cadence::parse("30 2 * * *", "Europe/Berlin").unwrap();
        let at = cadence.after(moment("2026-03-28T12:00:00Z")).unwrap();
        assert_eq!(at, moment("2026-03-29T01:00:00Z"), "the end of the gap");
        assert_eq!(cadence.after(at).unwrap(), moment("2026-03-30T00:30:00Z"));
    }

    #[test]
    fn a_bad_expression_or_zone_says_so() {
        for (expression, zone) in [
            ("* * *", "UTC"),
            ("61 * * * *", "UTC"),
            ("* * * * *", "Mars/Base"),
            ("", "UTC"),
        ] {
            assert_eq!(
                Cadence::parse(expression, zone).unwrap_err().code(),
                "INVALID_SCHEDULE",
                "{expression:?} {zone}"
            );
        }
    }
}
