use super::Html;

/// The line icons of the pages: 16 px, in the current colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Icon {
    /// Find.
    Search,
    /// Light and dark.
    Theme,
    /// Copy to the clipboard.
    Copy,
    /// Done.
    Check,
    /// Close, or failed.
    Cross,
    /// Hold live parts.
    Pause,
    /// Let live parts run.
    Play,
    /// Again.
    Retry,
    /// Onward, or open.
    Chevron,
    /// Another site.
    External,
    /// A command line.
    Terminal,
    /// Look here.
    Warning,
    /// An address.
    Link,
}

impl Icon {
    /// The picture, hidden from screen readers: the control that bears it has a name.
    pub fn html(self) -> Html {
        Html::trusted(format!(
            r#"<svg class="icon" width="16" height="16" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="{}"/>{}</svg>"#,
            self.path(),
            self.solid(),
        ))
    }

    /// A part that is filled.
    const fn solid(self) -> &'static str {
        match self {
            Icon::Theme => r#"<path fill="currentColor" d="M8 2.5a5.5 5.5 0 0 1 0 11z"/>"#,
            _ => "",
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Icon::Search => "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.5 10.5 14 14",
            Icon::Theme => "M8 2.5a5.5 5.5 0 1 0 0 11",
            Icon::Copy => "M6 5.5h7.5v8H6zM10.5 5.5v-3H2.5v8H6",
            Icon::Check => "M3 8.5 6.5 12 13 4.5",
            Icon::Cross => "M4 4l8 8M12 4l-8 8",
            Icon::Pause => "M5.5 3.5v9M10.5 3.5v9",
            Icon::Play => "M5 3.5v9l7.5-4.5z",
            Icon::Retry => "M13 8a5 5 0 1 1-1.5-3.55M13 2.5v3h-3",
            Icon::Chevron => "M6 3.5 10.5 8 6 12.5",
            Icon::External => "M9 3h4v4M13 3 7.5 8.5M11.5 9.5v3.5h-8.5v-8.5h3.5",
            Icon::Terminal => "M2.5 3.5h11v9h-11zM5 6.5l2 1.5-2 1.5M8.5 10h2.5",
            Icon::Warning => "M8 2.5 14 13H2zM8 6.5v3M8 11.3v.1",
            Icon::Link => "M6.5 9.5l3-3M7 5l1.5-1.5a2.8 2.8 0 0 1 4 4L11 9M9 11l-1.5 1.5a2.8 2.8 0 0 1-4-4L5 7",
        }
    }
}
