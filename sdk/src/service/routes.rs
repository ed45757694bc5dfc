use std::fmt;

use axum::handler::Handler;
use axum::routing::{MethodRouter, delete, get, post, put};
use http::Method as Verb;

use crate::admission::{Class, Priority};
use crate::auth::Access;
use crate::context::Context;
use crate::contract::{Payload, Schema, schema_of};

/// HTTP routes, each with its access and what OpenAPI says of it.
#[derive(Debug, Default)]
pub struct Routes {
    list: Vec<Route>,
    otherwise: Option<MethodRouter<Context>>,
}

/// One route.
pub struct Route {
    pub(crate) verb: Verb,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    pub(crate) kind: RouteKind,
    pub(crate) priority: Priority,
    pub(crate) class: Option<Class>,
    pub(crate) audited: Option<&'static str>,
    pub(crate) summary: &'static str,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<fn() -> Schema>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) router: MethodRouter<Context>,
}

/// How a route is limited in time and shown in traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteKind {
    /// Answers within the request's limit.
    Plain,
    /// Asked often and answered from memory: no span, never shed.
    Probe,
    /// A page for people; compressed.
    Page,
    /// Answers for as long as the reader listens.
    Stream,
    /// Waits until something happens or the caller's time is over; with GET, where `wait` is in the query.
    Wait,
    /// Has a deadline of its own.
    Rpc,
}

/// A parameter of a route.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// `query`, `path` or `header`.
    pub place: &'static str,
    /// What it means.
    pub description: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// JSON Schema's word for its type.
    pub kind: &'static str,
}

/// What a route may answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// When.
    pub description: &'static str,
    /// The media type; empty where there is no body.
    pub media: &'static str,
    /// The body's schema, where it is JSON.
    pub schema: Option<fn() -> Schema>,
}

impl Routes {
    /// No routes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The routes with one more.
    #[must_use]
    pub fn with(mut self, route: Route) -> Self {
        self.list.push(route);
        self
    }

    /// The page of a path that no route takes, for people: programs, and whatever asks under `/v1/` or `/_`, get the contract's error.
    #[must_use]
    pub fn otherwise<H: Handler<T, Context>, T: 'static>(mut self, handler: H) -> Self {
        self.otherwise = Some(get(handler));
        self
    }

    pub(crate) fn extend(&mut self, other: Routes) {
        self.list.extend(other.list);
        if other.otherwise.is_some() {
            self.otherwise = other.otherwise;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.list.iter()
    }

    pub(crate) fn into_parts(self) -> (Vec<Route>, Option<MethodRouter<Context>>) {
        (self.list, self.otherwise)
    }
}

impl Route {
    /// `GET path`.
    pub fn get<H: Handler<T, Context>, T: 'static>(path: &'static str, access: Access, handler: H) -> Self {
        Self::new(Verb::GET, path, access, get(handler))
    }

    /// `POST path`.
    pub fn post<H: Handler<T, Context>, T: 'static>(path: &'static str, access: Access, handler: H) -> Self {
        Self::new(Verb::POST, path, access, post(handler))
    }

    /// `PUT path`.
    pub fn put<H: Handler<T, Context>, T: 'static>(path: &'static str, access: Access, handler: H) -> Self {
        Self::new(Verb::PUT, path, access, put(handler))
    }

    /// `DELETE path`.
    pub fn delete<H: Handler<T, Context>, T: 'static>(path: &'static str, access: Access, handler: H) -> Self {
        Self::new(Verb::DELETE, path, access, delete(handler))
    }

    fn new(verb: Verb, path: &'static str, access: Access, router: MethodRouter<Context>) -> Self {
        let parameters = path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .map(|name| Parameter {
                name: name.trim_start_matches('*'),
                place: "path",
                description: "",
                required: true,
                kind: "string",
            })
            .collect();
        Route {
            verb,
            path,
            access,
            kind: RouteKind::Plain,
            priority: Priority::Work,
            class: None,
            audited: None,
            summary: "",
            parameters,
            body: None,
            answers: Vec::new(),
            router,
        }
    }

    /// What it does, in a sentence.
    #[must_use]
    pub fn says(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// How it is limited and shown.
    #[must_use]
    pub fn kind(mut self, kind: RouteKind) -> Self {
        self.kind = kind;
        self
    }

    /// Lets it in where work is turned away: for what is short, rare and needed most when much is amiss.
    #[must_use]
    pub fn control(mut self) -> Self {
        self.priority = Priority::Control;
        self
    }

    /// Counts its requests as of a sort that has a quota of its own, and says so of it; pages are counted as such without being told.
    #[must_use]
    pub fn class(mut self, class: Class) -> Self {
        self.class = Some(class);
        self.fails(&[(
            429,
            "More than the caller's quota; `Retry-After` says when to come back.",
        )])
    }

    /// Puts every call that is let in on the record under this action, before it is done: what cannot be put on the record is not done.
    /// For what an auditor would ask after. Where the effect is a commit of one's own, [`Commit::audit`](crate::context::Commit::audit)
    /// is better: it says what came of it.
    #[must_use]
    pub fn audited(mut self, action: &'static str) -> Self {
        self.audited = Some(action);
        self
    }

    /// A page for people.
    #[must_use]
    pub fn page(self) -> Self {
        self.kind(RouteKind::Page)
            .gives_media(200, "The page.", "text/html")
            .gives_media(404, "There is nothing that it could show.", "text/html")
    }

    /// What a page does on its reader's behalf, answered as a page or, to a program, in the contract's shape.
    #[must_use]
    pub fn acts(self) -> Self {
        [
            (400, "A parameter or the body does not fit."),
            (404, "There is nothing to do it to."),
        ]
        .into_iter()
        .fold(self, |route, (status, description)| {
            route
                .fails(&[(status, description)])
                .gives_media(status, description, "text/html")
        })
    }

    /// A query parameter that may be left out; `kind` is JSON Schema's word: `string`, `integer`, `boolean`.
    #[must_use]
    pub fn query(mut self, name: &'static str, kind: &'static str, description: &'static str) -> Self {
        self.parameters.push(Parameter {
            name,
            place: "query",
            description,
            required: false,
            kind,
        });
        self
    }

    /// A request header that may be left out.
    #[must_use]
    pub fn header(mut self, name: &'static str, description: &'static str) -> Self {
        self.parameters.push(Parameter {
            name,
            place: "header",
            description,
            required: false,
            kind: "string",
        });
        self
    }

    /// The body that it takes.
    #[must_use]
    pub fn takes<T: Payload>(mut self) -> Self {
        self.body = Some(schema_of::<T>);
        self
    }

    /// JSON that it may answer.
    #[must_use]
    pub fn gives<T: Payload>(mut self, status: u16, description: &'static str) -> Self {
        self.answers.push(Answer {
            status,
            description,
            media: "application/json",
            schema: Some(schema_of::<T>),
        });
        self
    }

    /// Another media type that it may answer.
    #[must_use]
    pub fn gives_media(mut self, status: u16, description: &'static str, media: &'static str) -> Self {
        self.answers.push(Answer {
            status,
            description,
            media,
            schema: None,
        });
        self
    }

    /// Errors that it may answer, in the contract's shape.
    #[must_use]
    pub fn fails(self, statuses: &[(u16, &'static str)]) -> Self {
        statuses.iter().fold(self, |route, (status, description)| {
            route.gives::<crate::wire::ErrorBody>(*status, description)
        })
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.verb, self.path, self.access)
    }
}
