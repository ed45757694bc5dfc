use crate::wire::HealthStatus;

/// How something is, in the four shapes that pages know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// ● All is well.
    Healthy,
    /// ◐ It works, with something amiss.
    Degraded,
    /// ○ It does not work.
    Down,
    /// ◌ Nobody has asked yet, or nobody answered.
    #[default]
    Unknown,
}

impl Status {
    /// The word for people, which is also the end of the class: `is-healthy`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Healthy => "healthy",
            Status::Degraded => "degraded",
            Status::Down => "down",
            Status::Unknown => "unknown",
        }
    }

    /// The shape, 16 px, in the current colour, hidden from screen readers: a word stands beside it.
    pub(crate) const fn shape(self) -> &'static str {
        match self {
            Status::Healthy => concat!(
                r#"<svg class="shape" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">"#,
                r#"<circle cx="8" cy="8" r="5" fill="currentColor"/></svg>"#
            ),
            Status::Degraded => concat!(
                r#"<svg class="shape" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">"#,
                r#"<circle cx="8" cy="8" r="4.25" fill="none" stroke="currentColor" stroke-width="1.5"/>"#,
                r#"<path d="M8 3.75a4.25 4.25 0 0 0 0 8.5z" fill="currentColor"/></svg>"#
            ),
            Status::Down => concat!(
                r#"<svg class="shape" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">"#,
                r#"<circle cx="8" cy="8" r="4" fill="none" stroke="currentColor" stroke-width="2"/></svg>"#
            ),
            Status::Unknown => concat!(
                r#"<svg class="shape" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">"#,
                r#"<circle cx="8" cy="8" r="4.25" fill="none" stroke="currentColor" stroke-width="1.5" "#,
                r#"stroke-dasharray="1.6 1.74"/></svg>"#
            ),
        }
    }
}

impl From<HealthStatus> for Status {
    fn from(status: HealthStatus) -> Self {
        match status {
            HealthStatus::Healthy => Status::Healthy,
            HealthStatus::Degraded => Status::Degraded,
            HealthStatus::Unhealthy => Status::Down,
        }
    }
}

/// What a badge, a notice or a button says by its colour; the words say it too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tone {
    /// Nothing in particular.
    #[default]
    Neutral,
    /// Worth knowing, or under way.
    Info,
    /// It went well.
    Good,
    /// Look at it soon.
    Warn,
    /// It failed.
    Bad,
}

impl Tone {
    /// The end of the class: `tone-good`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Tone::Neutral => "neutral",
            Tone::Info => "info",
            Tone::Good => "good",
            Tone::Warn => "warn",
            Tone::Bad => "bad",
        }
    }
}
