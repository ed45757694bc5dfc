//! The audit trail, which core keeps: what each service puts on the record, and where the chain of it ends.

use syscall_sdk::contract::audit::RECORDED;
use syscall_sdk::contract::{Task, Topic};
use syscall_sdk::wire::{AuditHead, AuditRecord};

/// What each service of the fleet puts on the record.
pub const RECORDS: [Topic<AuditRecord>; 9] = [
    Topic::new("operator", RECORDED),
    Topic::new("core", RECORDED),
    Topic::new("api", RECORDED),
    Topic::new("app", RECORDED),
    Topic::new("console", RECORDED),
    Topic::new("docs", RECORDED),
    Topic::new("web", RECORDED),
    Topic::new("os", RECORDED),
    Topic::new("root", RECORDED),
];

/// Tells where the chain ends, if it has grown.
pub const TELL_HEAD: Task<(), AuditHead> = Task::new("core", "tell-audit-head").attempts(3);
/// Where the chain ended when this was emitted: who keeps it elsewhere can tell later whether anything up to there was touched.
pub const HEAD: Topic<AuditHead> = Topic::new("core", "audit:head");
