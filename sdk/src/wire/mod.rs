//! The JSON of the syscall contract, one file a family: shapes only, no behaviour.

mod audit;
mod bounds;
mod cloudevent;
mod commit;
mod events;
mod groups;
mod jobs;
mod json;
mod mesh;
mod observe;
mod peers;
mod person;
mod retries;
mod rpc;
mod schedules;
mod state;
mod subscription;
mod system;
mod time;
mod token;
mod unique;
mod why;
mod workflows;

pub use audit::{AuditEntry, AuditHead, AuditOutcome, AuditPage, AuditRecord};
pub use bounds::{DEPTH_MAX, KEY_MAX_BYTES, KEYS_MAX, TooMuch, VALUES_MAX, check_bounds};
pub use cloudevent::{CloudEvent, EmittedBatch};
pub use commit::{CheckState, CommitOp, CommitRequest, CommitResult, Committed, DeleteState, DeletedState};
pub use events::{EmitRequest, Emitted, Event, RecentEvents};
pub use groups::{EventGap, Fetch, Fetched, FetchedEvent, Group, Groups, Seek, Settled, Settlement};
pub use jobs::{
    AttemptRecord, CreateJob, Job, JobError, JobStatus, Jobs, Pause, PauseJobs, Schedule, Schedules, WaitingFor,
};
pub use json::Json;
pub use mesh::{Announce, Announced, ListMesh, Mesh, MeshInstance, MeshService, SignOff, SignedOff};
pub use observe::{
    LogEntry, LogLevel, LogRequest, Logs, MetricEntry, MetricRequest, Metrics, Recorded, Span, SpanStatus, Trace,
    TraceSummary, Traces,
};
pub use peers::{Peer, PeerCalls, PeerEndpoint, PeerFreshness, PeerLatency, PeerState, PeerWay, Peers};
pub use person::{CheckSession, CheckedSession, SignedIn};
pub use retries::{RetriedJobs, RetryJob, RetryJobs};
pub use rpc::{MethodInfo, Methods, RpcRequest, RpcResponse};
pub use schedules::{CatchUp, Overlap};
pub use state::{Entry, Operation, OperationKind, PutState, StateChange, StateList, Transacted, Transaction};
pub use subscription::{
    DeadLetter, DeadLetterKind, DeadLetters, Deliver, Delivered, Delivery, EditDeadLetter, Incoming, LogPlace,
    Outgoing, Redriven, Renew, Renewed, Subscribe, Subscribed, Subscriptions, Wanted,
};
pub use system::{
    Check, CheckStatus, Config, ConfigFeatures, ConfigService, Dns, ErrorBody, ErrorDetail, Health, HealthStatus,
    Identity, IdentityHealth, Memory, Presence, Readiness, Runtime, SystemHealth, SystemVersion, Version,
};
pub use time::Timestamp;
pub use token::{
    Actor, Audience, Confirmation, OkpKey, RevocationClaims, Revocations, RevocationsTaken, Revoked, TokenClaims,
};
pub use unique::{Unique, UniqueMode};
pub use why::{Why, WhyFact, WhyKind, WhyLink, WhyTrace, WhyWait};
pub use workflows::{
    ForkWorkflow, Signalled, StartWorkflow, StepStatus, Workflow, WorkflowChain, WorkflowError, WorkflowStatus,
    WorkflowStep, WorkflowWait, Workflows,
};
