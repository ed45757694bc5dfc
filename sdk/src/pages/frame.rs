use askama::Template;
use chrono::Utc;

use super::{Html, Icon, Status, ago, asset_path, status_mark};
use crate::wire::Timestamp;

/// What every page has around its content: where it is, where it runs, how the fleet is, the palette, the theme.
///
/// ```
/// use syscall_sdk::pages::{Frame, Html};
/// let page = Frame::new("Jobs", "production")
///     .mounted("https://blackroad.systems/", "core", "https://core.blackroad.systems/")
///     .path("/jobs/01a2")
///     .render(Html::trusted("<h1>Jobs</h1>"));
/// assert!(page.starts_with("<!doctype html>"));
/// ```
#[derive(Clone, Debug)]
pub struct Frame {
    title: String,
    environment: String,
    crumbs: Vec<Crumb>,
    service_href: String,
    fleet: Vec<FleetMark>,
    palette: String,
    nav: Vec<NavGroup>,
    live: Option<String>,
    updated: Option<Timestamp>,
    version: String,
    wide: bool,
    styles: Vec<String>,
    scripts: Vec<String>,
    reader: Option<Reader>,
}

/// Who is signed in, in the top bar, with the way out.
#[derive(Clone, PartialEq, Eq)]
pub struct Reader {
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Where their account is.
    pub account_href: String,
    /// What the forms and scripts of the page bear, so that no other page can act in their name.
    pub form_token: String,
}

impl Reader {
    /// The first letters of their first and last name.
    fn initials(&self) -> String {
        let mut words = self.name.split_whitespace().filter_map(|word| word.chars().next());
        let (first, last) = (words.next(), words.next_back());
        first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A part of the path at the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crumb {
    /// What it shows.
    pub label: String,
    /// The whole name, where the label is cut.
    pub name: String,
    /// Where it leads.
    pub href: String,
}

/// One of the fleet's services in the top bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetMark {
    /// The service's key.
    pub name: String,
    /// How it is.
    pub status: Status,
    /// Its page.
    pub href: String,
}

/// Links beside the content: a column from 900 px on, a strip above the content below that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NavGroup {
    /// The group's name; empty for none.
    pub label: String,
    /// Its links.
    pub links: Vec<NavLink>,
}

/// A link beside the content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NavLink {
    /// What it shows.
    pub label: String,
    /// Where it leads.
    pub href: String,
    /// Whether it is the page shown.
    pub current: bool,
}

/// The longest part of a path that is shown whole, in characters: enough for words, too short for ids.
const CRUMB_CHARACTERS: usize = 20;

/// How many characters of a longer part are shown: enough to tell one id from another in a breadcrumb.
const CRUMB_CUT: usize = 8;

impl Frame {
    /// A frame of a page of that title; `environment` is the word on the wire.
    pub fn new(title: &str, environment: &str) -> Self {
        Frame {
            title: title.to_owned(),
            environment: environment.to_owned(),
            crumbs: vec![Crumb {
                label: "/".to_owned(),
                name: "fleet".to_owned(),
                href: "/".to_owned(),
            }],
            service_href: "/".to_owned(),
            fleet: Vec::new(),
            palette: "/_pages/palette.json".to_owned(),
            nav: Vec::new(),
            live: None,
            updated: None,
            version: String::new(),
            wide: false,
            styles: Vec::new(),
            scripts: Vec::new(),
            reader: None,
        }
    }

    /// Where the fleet's root is, and which service this is.
    pub fn mounted(mut self, root_href: &str, service: &str, service_href: &str) -> Self {
        self.crumbs = vec![
            Crumb {
                label: "/".to_owned(),
                name: "fleet".to_owned(),
                href: root_href.to_owned(),
            },
            Crumb {
                label: service.to_owned(),
                name: service.to_owned(),
                href: service_href.to_owned(),
            },
        ];
        self.service_href = service_href.to_owned();
        self
    }

    /// The path of the page within its service; each part becomes a link, and a long id is shown cut.
    pub fn path(mut self, path: &str) -> Self {
        let mut href = self.service_href.trim_end_matches('/').to_owned();
        let path = path.split(['?', '#']).next().unwrap_or_default();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            href.push('/');
            href.push_str(part);
            let label = match part.char_indices().nth(CRUMB_CHARACTERS) {
                Some(_) => part.chars().take(CRUMB_CUT).chain(['…']).collect(),
                None => part.to_owned(),
            };
            self.crumbs.push(Crumb {
                label,
                name: part.to_owned(),
                href: href.clone(),
            });
        }
        self
    }

    /// The fleet's services and how they are.
    pub fn fleet(mut self, fleet: Vec<FleetMark>) -> Self {
        self.fleet = fleet;
        self
    }

    /// Where the palette's JSON is: `[{"title","hint","href","group"}]`. Default `/_pages/palette.json`.
    pub fn palette(mut self, url: &str) -> Self {
        self.palette = url.to_owned();
        self
    }

    /// Links beside the content.
    pub fn nav(mut self, groups: Vec<NavGroup>) -> Self {
        self.nav = groups;
        self
    }

    /// The SSE stream of this page's live parts, the fleet's marks (`id="fleet"`) among them.
    pub fn live(mut self, url: &str) -> Self {
        self.live = Some(url.to_owned());
        self
    }

    /// When the data shown was read.
    pub fn updated(mut self, at: Timestamp) -> Self {
        self.updated = Some(at);
        self
    }

    /// The service's version, in the footer.
    pub fn version(mut self, version: &str) -> Self {
        self.version = version.to_owned();
        self
    }

    /// For pages of wide tables: the content takes the whole width.
    pub fn wide(mut self) -> Self {
        self.wide = true;
        self
    }

    /// Who is signed in.
    pub fn reader(mut self, reader: Reader) -> Self {
        self.reader = Some(reader);
        self
    }

    /// A style sheet of the service's own, after the shared one.
    pub fn style(mut self, path: String) -> Self {
        self.styles.push(path);
        self
    }

    /// A module of the service's own, after the shared script.
    pub fn script(mut self, path: String) -> Self {
        self.scripts.push(path);
        self
    }

    /// The fleet's marks alone, as the live message `fleet` carries them.
    pub fn fleet_fragment(&self) -> Html {
        let marks: Html = self
            .fleet
            .iter()
            .map(|mark| {
                Html::trusted(format!(
                    r#"<li><a href="{}">{}</a></li>"#,
                    Html::text(&mark.href),
                    status_mark(mark.status, &mark.name)
                ))
            })
            .collect();
        Html::trusted(format!(
            r#"<ul class="fleet" id="fleet" aria-label="Services of the fleet">{marks}</ul>"#
        ))
    }

    /// The page around its content: [`Html`], or an askama template.
    #[expect(
        clippy::disallowed_methods,
        reason = "a frame says how old its data is at the moment in which it is rendered"
    )]
    pub fn render(&self, content: impl Into<Html>) -> String {
        let content = content.into();
        Html::from(Page {
            frame: self,
            content,
            service: self.crumbs.get(1).map_or("fleet", |crumb| crumb.name.as_str()),
            environment: match self.environment.as_str() {
                "production" | "staging" => &self.environment,
                _ => "development",
            },
            updated: self.updated.map(|at| ago(at, Utc::now())),
        })
        .into_string()
    }
}

#[derive(Template)]
#[template(path = "pages/frame.html")]
struct Page<'a> {
    frame: &'a Frame,
    content: Html,
    service: &'a str,
    environment: &'a str,
    updated: Option<Html>,
}

impl Page<'_> {
    fn asset(&self, name: &str) -> String {
        asset_path(name)
    }

    fn search(&self) -> Html {
        Icon::Search.html()
    }

    fn theme(&self) -> Html {
        Icon::Theme.html()
    }
}
