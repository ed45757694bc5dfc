//! How long a session is good.

use blackroad_os_contracts::core::Session;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Longest life: a week, so that a laptop that was lost is signed out without anybody's doing.
pub(super) const LIFE: TimeDelta = TimeDelta::days(7);
/// Longest rest: a night, so that who looks after services in the morning is who did so in the evening. NIST's half hour (SP 800-63B-4,
/// AAL2) is for what needs it: whoever asks for more signs in again there (`max_age`).
pub(super) const IDLE: TimeDelta = TimeDelta::hours(12);
/// How coarsely the last use is written: a write a minute and session, whatever is read.
pub(super) const TOUCH: TimeDelta = TimeDelta::minutes(1);

/// What is kept of a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) session: Session,
    /// The hash of its token.
    pub(super) token: String,
}

/// Where a token leads.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pointer {
    pub(super) user_id: String,
    pub(super) id: String,
}

/// Whether a session is good at a moment.
pub(super) fn is_live(session: &Session, now: DateTime<Utc>) -> bool {
    now < session.expires_at.0 && now - session.last_used_at.0 < IDLE
}

/// Whether its last use is to be written.
pub(super) fn is_stale(session: &Session, now: DateTime<Utc>) -> bool {
    now - session.last_used_at.0 >= TOUCH
}

#[cfg(test)]
mod tests {
    use syscall_sdk::wire::Timestamp;

    use super::*;

    fn session(now: DateTime<Utc>) -> Session {
        Session {
            id: "1".to_owned(),
            user_id: "7".to_owned(),
            methods: Vec::new(),
            address: None,
            agent: None,
            created_at: Timestamp(now),
            last_used_at: Timestamp(now),
            expires_at: Timestamp(now + LIFE),
        }
    }

    #[test]
    fn a_session_ends_after_a_night_of_rest_and_after_a_week_in_any_case() {
        let now = DateTime::UNIX_EPOCH;
        let mut session = session(now);
        assert!(is_live(&session, now + TimeDelta::hours(11)));
        assert!(!is_live(&session, now + TimeDelta::hours(12)));
        session.last_used_at = Timestamp(now + LIFE - TimeDelta::minutes(1));
        assert!(is_live(&session, now + LIFE - TimeDelta::seconds(1)));
        assert!(!is_live(&session, now + LIFE));
    }

    #[test]
    fn the_last_use_is_written_at_most_once_a_minute() {
        let now = DateTime::UNIX_EPOCH;
        let session = session(now);
        assert!(!is_stale(&session, now + TimeDelta::seconds(59)));
        assert!(is_stale(&session, now + TimeDelta::seconds(60)));
    }
}
