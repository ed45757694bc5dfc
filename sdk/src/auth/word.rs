//! The vocabulary of rights: a closed list, written once. The reference page, the parser and the routes all read it.

use crate::error::{Error, Result};

/// What the pattern of a right names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// Nothing: the right has no pattern.
    Nothing,
    /// A name: `user:created`, `user:*`, `*`.
    Name(&'static str),
    /// A key of state: `orders/7`, `orders/`, `*`.
    Key,
}

macro_rules! vocabulary {
    ($($(#[doc = $allows:literal])+ $word:ident = $facility:literal $verb:literal, $of:expr, $needed:literal;)*) => {
        /// What may be done: a facility, and a verb where it has more than one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Word {
            $($(#[doc = $allows])+ $word,)*
        }

        impl Word {
            /// All of them, in the order in which they are documented.
            pub const ALL: &'static [Word] = &[$(Word::$word,)*];

            /// The facility: the first word of a right.
            pub const fn facility(self) -> &'static str {
                match self { $(Word::$word => $facility,)* }
            }

            /// The verb: the second word of a right; empty where the facility has but one.
            pub const fn verb(self) -> &'static str {
                match self { $(Word::$word => $verb,)* }
            }

            /// What its pattern names.
            pub const fn of(self) -> Of {
                match self { $(Word::$word => $of,)* }
            }

            /// What it allows, in a sentence.
            pub const fn allows(self) -> &'static str {
                match self { $(Word::$word => concat!($($allows),+).trim_ascii(),)* }
            }

            /// Who needs it, in a sentence.
            pub const fn needed_by(self) -> &'static str {
                match self { $(Word::$word => $needed,)* }
            }
        }
    };
}

vocabulary! {
    /// Calls methods of a service. The service is part of the right: `rpc core getUserById`, `rpc core *`, `rpc * *`.
    Rpc = "rpc" "", Of::Name("method"), "whoever calls methods, by whatever way: the syscall, the gateway, the shell";
    /// Emits events.
    EventEmit = "event" "emit", Of::Name("event"), "programs that tell a service what happened";
    /// Reads events, follows them and subscribes to them. Subscriptions, groups and dead letters as lists need it for every event.
    EventRead = "event" "read", Of::Name("event"), "subscribers, the console, the shell";
    /// Takes events as a consumer of a group; the first fetch, which makes the group, needs `event read` of what it asks for as well.
    /// Dead letters are edited, redriven and forgotten by who has it for every group.
    EventConsume = "event" "consume", Of::Name("group"), "workers that share a log";
    /// Creates jobs and queues dead ones anew.
    JobCreate = "job" "create", Of::Name("job"), "whoever has work done: the operator, the console's readers";
    /// Reads and awaits jobs and schedules. A list without a name needs it for every job.
    JobRead = "job" "read", Of::Name("job"), "whoever waits for a job, the console, the shell";
    /// Cancels jobs and schedules.
    JobCancel = "job" "cancel", Of::Name("job"), "who looks after a service";
    /// Pauses and resumes jobs by name, and schedules.
    JobPause = "job" "pause", Of::Name("job"), "who looks after a service";
    /// Starts, resumes and forks workflows.
    WorkflowStart = "workflow" "start", Of::Name("workflow"), "whoever starts a process of several steps";
    /// Reads and awaits runs. A list without a name needs it for every workflow.
    WorkflowRead = "workflow" "read", Of::Name("workflow"), "whoever waits for a run, the console, the shell";
    /// Cancels runs.
    WorkflowCancel = "workflow" "cancel", Of::Name("workflow"), "who looks after a service";
    /// Sends signals to runs.
    WorkflowSignal = "workflow" "signal", Of::Name("workflow"), "who a run waits for";
    /// Reads, lists and watches keys of state.
    StateRead = "state" "read", Of::Key, "programs that keep their data in a service";
    /// Writes and deletes keys of state.
    StateWrite = "state" "write", Of::Key, "programs that keep their data in a service";
    /// Opens pipes.
    PipeOpen = "pipe" "open", Of::Name("pipe"), "whoever streams bytes both ways";
    /// Reads a service's log.
    LogsRead = "logs" "read", Of::Nothing, "the console, the shell, who looks after a service";
    /// Writes lines into a service's log.
    LogsWrite = "logs" "write", Of::Nothing, "programs without a log of their own";
    /// Reads a service's figures, also as `/metrics`.
    MetricsRead = "metrics" "read", Of::Nothing, "the console, a collector such as Prometheus";
    /// Records figures.
    MetricsWrite = "metrics" "write", Of::Nothing, "programs without figures of their own";
    /// Reads the traces that a service recorded.
    TracesRead = "traces" "read", Of::Nothing, "the console, the shell";
    /// Reads why something ran, and why it did not.
    WhyRead = "why" "read", Of::Nothing, "the console, the shell";
    /// Reads how a service sees the others: addresses, breakers, latency.
    PeersRead = "peers" "read", Of::Nothing, "the console, the shell";
    /// Reads what a service offers: its methods with their schemas, and its OpenAPI document.
    OpenapiRead = "openapi" "read", Of::Nothing, "the gateway, clients that generate code";
    /// Reads the audit trail, which core keeps.
    AuditRead = "audit" "read", Of::Nothing, "an auditor, `blackroad audit`";
    /// Reads the fleet as a tree of files; what lies in it is read with the reader's own rights.
    FsRead = "fs" "read", Of::Nothing, "the shell";
    /// Sees pages that ask who reads them.
    PageRead = "page" "read", Of::Nothing, "who looks after a fleet: people by a role, programs by a token";
    /// Says for whom a call is made, and calls with its own rights; never in the name of a service.
    Speak = "speak" "", Of::Name("subject"), "the gateway, for people, clients and API keys that core has vouched for; services with pages, for their readers";
    /// Reads which tokens are revoked.
    RevocationRead = "revocation" "read", Of::Nothing, "every service, of the operator, when it comes up";
    /// Brings statements of revocation, which the root has signed.
    RevocationWrite = "revocation" "write", Of::Nothing, "`blackroad token revoke`";
    /// Everything.
    Admin = "admin" "", Of::Nothing, "the fleet's owner; no service";
}

impl Word {
    /// The word that a text names, such as `state read` or `rpc`.
    ///
    /// # Errors
    /// `INVALID_RIGHT`, with the words that there are.
    pub fn parse(text: &str) -> Result<Self> {
        let (facility, verb) = text.split_once(' ').unwrap_or((text, ""));
        Self::find(facility, verb).ok_or_else(|| {
            let all: Vec<String> = Word::ALL.iter().map(ToString::to_string).collect();
            Error::invalid(format!("{text:?} is no right; there are {}", all.join(", "))).with_code("INVALID_RIGHT")
        })
    }

    pub(super) fn find(facility: &str, verb: &str) -> Option<Self> {
        Word::ALL
            .iter()
            .copied()
            .find(|word| word.facility() == facility && word.verb() == verb)
    }
}

impl std::fmt::Display for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.facility())?;
        if !self.verb().is_empty() {
            write!(f, " {}", self.verb())?;
        }
        Ok(())
    }
}
