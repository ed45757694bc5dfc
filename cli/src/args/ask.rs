//! Asking a service: calls, events, and who and how it is.

use clap::Args as ClapArgs;

#[derive(Debug, ClapArgs)]
pub(crate) struct Call {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The method; without one, the service's methods are listed.
    pub(crate) method: Option<String>,
    /// Its parameters, as JSON; `-` reads them from standard input.
    pub(crate) params: Option<String>,
    /// The most that it may take, in milliseconds.
    #[arg(long)]
    pub(crate) timeout: Option<u64>,
    /// Names the call, so that it is made once however often it is sent.
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Ps {
    /// Stay, and print the roster anew whenever it changes, until Ctrl-C.
    #[arg(long)]
    pub(crate) watch: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Pipe {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The pipe's name.
    pub(crate) name: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Resolve {
    /// The service that is looked for, by key or name.
    pub(crate) service: String,
    /// The service that looks, by key or name.
    #[arg(long, value_name = "SERVICE", default_value = "operator")]
    pub(crate) from: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Emit {
    /// The service, by key or name.
    pub(crate) service: String,
    /// What happened, such as user:created.
    pub(crate) event: String,
    /// The facts, as JSON; `-` reads them from standard input.
    pub(crate) data: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Events {
    /// The service, by key or name.
    pub(crate) service: String,
    /// Only this name, or with a trailing * every name that starts so.
    #[arg(long, value_name = "NAME")]
    pub(crate) event: Option<String>,
    /// First what is later than this: a moment (RFC 3339), or an age such as 90s, 15m, 2h, 7d.
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct One {
    /// The service, by key or name.
    pub(crate) service: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct OneOrAll {
    /// The service, by key or name; all of them where none is named.
    pub(crate) service: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Path {
    /// Where, such as /core/identity.
    #[arg(default_value = "/")]
    pub(crate) path: String,
}
