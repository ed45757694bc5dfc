//! Contracts as values: a typed constant names a method, an event, a job or a workflow once, for who serves it and for who calls it.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use syscall_sdk::contract::{Flow, Method, Task, Topic};
//! use utoipa::ToSchema;
//!
//! #[derive(Serialize, Deserialize, ToSchema)]
//! pub struct GetUser { pub id: String }
//! #[derive(Serialize, Deserialize, ToSchema)]
//! pub struct User { pub id: String, pub name: String }
//!
//! pub const GET_USER: Method<GetUser, User> =
//!     Method::new("core", "getUserById", "One user by id.").idempotent();
//! pub const USER_CREATED: Topic<User> = Topic::new("core", "user:created");
//! pub const SEND_EMAIL: Task<String, ()> = Task::new("core", "send-email").attempts(5);
//! pub const ONBOARD: Flow<GetUser, User> = Flow::new("core", "onboard");
//! ```

mod schema;

use std::marker::PhantomData;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

pub(crate) use schema::is_list;
pub use schema::{Schema, schema_of};

use crate::policy::{Backoff, Rate};

/// What can be a parameter, a result or an event's data.
pub trait Payload: Serialize + DeserializeOwned + ToSchema + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + ToSchema + Send + Sync + 'static> Payload for T {}

/// A method that a service serves over RPC.
pub struct Method<P, R> {
    /// The service's key.
    pub service: &'static str,
    /// The method's name.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub description: &'static str,
    /// Whether calling it twice does no more than calling it once; only then is it sent again after a doubtful failure.
    pub idempotent: bool,
    /// Whether it keeps the fleet in order, and is let in where work is turned away.
    pub control: bool,
    types: PhantomData<fn(P) -> R>,
}

impl<P, R> Method<P, R> {
    /// A method of a service.
    pub const fn new(service: &'static str, name: &'static str, description: &'static str) -> Self {
        Method {
            service,
            name,
            description,
            idempotent: false,
            control: false,
            types: PhantomData,
        }
    }

    /// Declares that calling it twice does no more than calling it once.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Declares that it keeps the fleet in order: a service that is too busy for work still takes some of its calls. For what is short, rare
    /// and needed most when much is amiss.
    #[must_use]
    pub const fn control(mut self) -> Self {
        self.control = true;
        self
    }
}

/// A method that a service serves over RPC and that gives results one after the other, for as long as the caller listens.
pub struct StreamMethod<P, R> {
    /// The service's key.
    pub service: &'static str,
    /// The method's name.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub description: &'static str,
    types: PhantomData<fn(P) -> R>,
}

impl<P, R> StreamMethod<P, R> {
    /// A method of a service.
    pub const fn new(service: &'static str, name: &'static str, description: &'static str) -> Self {
        StreamMethod {
            service,
            name,
            description,
            types: PhantomData,
        }
    }
}

/// An event that a service emits.
pub struct Topic<T> {
    /// The service's key.
    pub service: &'static str,
    /// The event's name.
    pub name: &'static str,
    types: PhantomData<fn() -> T>,
}

impl<T> Topic<T> {
    /// An event of a service.
    pub const fn new(service: &'static str, name: &'static str) -> Self {
        Topic {
            service,
            name,
            types: PhantomData,
        }
    }
}

/// A job that a service runs.
pub struct Task<P, R> {
    /// The service's key.
    pub service: &'static str,
    /// The job's name.
    pub name: &'static str,
    /// How many failures end a job of it.
    pub max_attempts: u32,
    /// The wait between failures.
    pub backoff: Option<Backoff>,
    /// The longest that one attempt may take.
    pub timeout: Option<Duration>,
    /// The longest that a job of it may live, from its creation: past it nothing is tried any more.
    pub max_elapsed: Option<Duration>,
    /// How long a job of it may wait to begin, from the moment at which it may: past it, it fails without having run.
    pub start_within: Option<Duration>,
    /// The longest that an attempt may be silent: past it, it is cut off and counts as a failure.
    pub heartbeat: Option<Duration>,
    /// How many run at once in one process; of one that is run in batches, how many batches.
    pub concurrency: Option<usize>,
    /// How often attempts of it start, in all replicas together.
    pub rate: Option<Rate>,
    /// How many are run together, where one handler runs many.
    pub batch: Option<Gathering>,
    types: PhantomData<fn(P) -> R>,
}

/// How jobs are gathered to be run together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gathering {
    /// At most so many.
    pub max: usize,
    /// The first waits at most so long for others.
    pub linger: Duration,
}

/// Most jobs of a batch: each is held in memory with its parameters, and they share one handler's time.
pub const BATCH_MAX: usize = 1_000;
/// Longest wait of the first job of a batch for others: it is part of the attempt, and of its time.
pub const LINGER_MAX: Duration = Duration::from_secs(60);

/// Failures that end a job unless its contract or creator says otherwise: with the default backoff that is
/// some eight minutes of trying, at most.
pub const DEFAULT_ATTEMPTS: u32 = 10;

impl<P, R> Task<P, R> {
    /// A job of a service.
    pub const fn new(service: &'static str, name: &'static str) -> Self {
        Task {
            service,
            name,
            max_attempts: DEFAULT_ATTEMPTS,
            backoff: None,
            timeout: None,
            max_elapsed: None,
            start_within: None,
            heartbeat: None,
            concurrency: None,
            rate: None,
            batch: None,
            types: PhantomData,
        }
    }

    /// How many failures end it; 1 is never to try again.
    #[must_use]
    pub const fn attempts(mut self, most: u32) -> Self {
        self.max_attempts = most;
        self
    }

    /// The wait between failures.
    #[must_use]
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// The longest that one attempt may take.
    #[must_use]
    pub const fn timeout(mut self, most: Duration) -> Self {
        self.timeout = Some(most);
        self
    }

    /// The longest that a job of it may live, from its creation: past it nothing is tried any more.
    #[must_use]
    pub const fn max_elapsed(mut self, most: Duration) -> Self {
        self.max_elapsed = Some(most);
        self
    }

    /// How long a job of it may wait to begin, from the moment at which it may: past it, it fails without having run.
    #[must_use]
    pub const fn start_within(mut self, most: Duration) -> Self {
        self.start_within = Some(most);
        self
    }

    /// The longest that an attempt may say neither progress nor heartbeat: past it, it is cut off and counts as a failure.
    #[must_use]
    pub const fn heartbeat(mut self, most: Duration) -> Self {
        self.heartbeat = Some(most);
        self
    }

    /// How many run at once in one process; of one that is run in batches, how many batches, 1 unless said.
    #[must_use]
    pub const fn concurrency(mut self, most: usize) -> Self {
        self.concurrency = Some(most);
        self
    }

    /// How many of its attempts start in every such time, in all replicas together: evenly, unless there is a [burst](Self::burst).
    #[must_use]
    pub const fn rate(mut self, count: u32, per: Duration) -> Self {
        self.rate = Some(Rate::new(count, per));
        self
    }

    /// How many of its attempts may start at once after a rest, where it has a [rate](Self::rate), which comes first.
    #[must_use]
    pub const fn burst(mut self, most: u32) -> Self {
        self.rate = match self.rate {
            Some(rate) => Some(rate.burst(most)),
            None => None,
        };
        self
    }

    /// Has one handler run up to `max` jobs together, for which the first of them waits at most `linger`.
    ///
    /// # Panics
    /// Where `max` is not 1 to [`BATCH_MAX`], or `linger` is longer than [`LINGER_MAX`]; of a constant, when it is compiled.
    #[must_use]
    pub const fn batch(mut self, max: usize, linger: Duration) -> Self {
        assert!(max >= 1 && max <= BATCH_MAX, "a batch is of 1 to 1,000 jobs");
        assert!(
            linger.as_millis() <= LINGER_MAX.as_millis(),
            "a batch is waited for at most 60 s"
        );
        self.batch = Some(Gathering { max, linger });
        self
    }
}

/// A workflow that a service runs: steps whose results are written down once and survive any crash.
pub struct Flow<I, O> {
    /// The service's key.
    pub service: &'static str,
    /// The workflow's name.
    pub name: &'static str,
    /// How many runs are in memory at once in one process; those that wait for long are not.
    pub concurrency: Option<usize>,
    types: PhantomData<fn(I) -> O>,
}

impl<I, O> Flow<I, O> {
    /// A workflow of a service.
    pub const fn new(service: &'static str, name: &'static str) -> Self {
        Flow {
            service,
            name,
            concurrency: None,
            types: PhantomData,
        }
    }

    /// How many runs are in memory at once in one process.
    #[must_use]
    pub const fn concurrency(mut self, most: usize) -> Self {
        self.concurrency = Some(most);
        self
    }
}

macro_rules! clone_copy {
    ($($name:ident<$($type:ident),*>),*) => {
        $(
            impl<$($type),*> Clone for $name<$($type),*> {
                fn clone(&self) -> Self {
                    *self
                }
            }
            impl<$($type),*> Copy for $name<$($type),*> {}
        )*
    };
}

clone_copy!(Method<P, R>, StreamMethod<P, R>, Topic<T>, Task<P, R>, Flow<I, O>);

/// The operator's mesh methods, which a service in any language may call.
pub mod mesh {
    use super::{Method, StreamMethod};
    use crate::wire::{Announce, Announced, ListMesh, Mesh, SignOff, SignedOff};

    /// The service that keeps the roster.
    pub const KEEPER: &str = "operator";
    /// A process of a service is up.
    pub const ANNOUNCE: Method<Announce, Announced> =
        Method::new(KEEPER, "mesh.announce", "Puts a process of a service on the roster.")
            .idempotent()
            .control();
    /// A process of a service is about to stop.
    pub const SIGN_OFF: Method<SignOff, SignedOff> =
        Method::new(KEEPER, "mesh.signOff", "Takes a process of a service off the roster.")
            .idempotent()
            .control();
    /// Who is there.
    pub const LIST: Method<ListMesh, Mesh> =
        Method::new(KEEPER, "mesh.list", "The roster: every service and its processes.")
            .idempotent()
            .control();
    /// Who is there, and who comes and goes.
    pub const WATCH: StreamMethod<ListMesh, Mesh> = StreamMethod::new(
        KEEPER,
        "mesh.watch",
        "The roster, now and whenever a process comes, goes or changes its state, health or version.",
    );
}

/// Methods that the kernel of every service serves, so that events reach subscribers in other services.
pub mod delivery {
    /// Registers subscriptions at a source.
    pub const SUBSCRIBE: &str = "events.subscribe";
    /// Pushes the next events of a subscription to its subscriber.
    pub const DELIVER: &str = "events.deliver";
    /// Tells a subscriber that a source began a new log.
    pub const RENEW: &str = "events.renew";
}

/// Who is signed in: what a service with pages asks the identity provider.
pub mod person {
    use super::Method;
    use crate::wire::{CheckSession, CheckedSession};

    /// The service at which people sign in.
    pub const PROVIDER: &str = "core";
    /// Whether a session is good, and what its person may do now.
    pub const CHECK_SESSION: Method<CheckSession, CheckedSession> = Method::new(
        PROVIDER,
        "checkSession",
        "Whether a session is good, and who its person is and what they may do now. For the pages of the fleet's services.",
    )
    .idempotent();
}

/// The audit trail: what every service puts on the record, and who chains it.
pub mod audit {
    /// The service that keeps the chain.
    pub const KEEPER: &str = "core";
    /// The event by which a service puts something on the record. Its family is the kernel's: nobody emits of it over the wire.
    pub const RECORDED: &str = "audit:recorded";
}
