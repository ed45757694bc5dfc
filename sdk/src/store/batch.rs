//! What a store can be told: a batch of operations, applied whole or not at all.

use chrono::{DateTime, Utc};

use crate::store::{Answer, Claim, Enqueue, Entry, Job, NewSchedule, Redrive, Retention, Schedule, Seq, Settle};
use crate::wire::Json;

/// One atomic write.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The moment that everything in it bears.
    pub at: DateTime<Utc>,
    /// The operations, applied in order.
    pub ops: Vec<Op>,
}

impl Batch {
    /// An empty batch that bears a moment.
    pub fn new(at: DateTime<Utc>) -> Self {
        Batch { at, ops: Vec::new() }
    }

    /// The batch with one more operation.
    #[must_use]
    pub fn with(mut self, op: impl Into<Op>) -> Self {
        self.ops.push(op.into());
        self
    }
}

/// One operation.
#[derive(Clone, Debug)]
pub enum Op {
    /// Writes a key. Gives [`Outcome::Written`]; refused where the condition fails.
    Put(Put),
    /// Deletes a key. Gives [`Outcome::Deleted`]; refused where the condition fails.
    Delete(Delete),
    /// Writes nothing. Gives [`Outcome::Done`]; refused where the condition fails, and the batch with it.
    Check {
        /// The namespace.
        namespace: String,
        /// The key.
        key: String,
        /// What must hold of it.
        condition: Condition,
    },
    /// Appends an event. Gives [`Outcome::Emitted`].
    Emit(Emit),
    /// Creates a job. Gives [`Outcome::Job`]; or, where its unique key lives already, the job that has it, as its
    /// [mode](crate::wire::UniqueMode) says: [`Outcome::Duplicate`] as it was, [`Outcome::Changed`] as the order changed it. Refused where its
    /// id is taken.
    Enqueue(Box<Enqueue>),
    /// Takes due jobs to run, in the order of their turns, and sets those aside whose key is full. Gives [`Outcome::Claimed`].
    Claim(Claim),
    /// Ends an attempt. Gives [`Outcome::Job`]; refused where the attempt is not the running one.
    Settle(Settle),
    /// Says how far an attempt is. Gives [`Outcome::Done`]; refused where the attempt is not the running one.
    Progress {
        /// The job.
        job: String,
        /// Its attempt.
        attempt: u32,
        /// What to show.
        progress: Json,
    },
    /// Cancels a job or a schedule at once, running or not. Gives [`Outcome::Job`] or [`Outcome::Schedule`];
    /// refused where it is not there or has ended.
    Cancel {
        /// The job or schedule.
        id: String,
    },
    /// Notes that the handler of a cancelled attempt has stopped. Gives [`Outcome::Done`]; does nothing to any other job.
    AcknowledgeCancel {
        /// The job.
        job: String,
        /// Its attempt.
        attempt: u32,
    },
    /// Queues a failed or cancelled job anew with fresh attempts, to run at once. Gives [`Outcome::Job`]; refused where it
    /// lives, is completed, or is not there, and, with the status of the other one, where its unique key lives in another job.
    Revive {
        /// The job.
        job: String,
    },
    /// Makes a job anew of one that failed or was cancelled, as it was ordered but for what is edited. Gives the new one as
    /// [`Outcome::Job`]; refused as [`Op::Revive`] is, where the old one was made anew before, and where the new id is taken.
    Redrive(Box<Redrive>),
    /// Fails a job that has not begun by the moment by which it had to. Gives [`Outcome::Job`]; refused where it has begun, has
    /// ended, may still begin, or is not there.
    Expire {
        /// The job.
        job: String,
    },
    /// Lets a job that waits, for its moment or to be woken, run at once. Gives [`Outcome::Done`]; does nothing to one
    /// that waits for its key's turn, runs, has ended, or is not there.
    Wake {
        /// The job.
        job: String,
    },
    /// Creates a schedule. Gives [`Outcome::Schedule`]; refused where its id is taken.
    Schedule(Box<NewSchedule>),
    /// Moves a schedule from one tick to the next. Gives [`Outcome::Schedule`]; refused with a version conflict where another
    /// scheduler moved it first, so that each tick is taken once.
    Tick {
        /// The schedule.
        schedule: String,
        /// The tick that is taken.
        from: DateTime<Utc>,
        /// The one after it.
        next: Option<DateTime<Utc>>,
    },
    /// Remembers a request and its answer. Gives [`Outcome::Done`]; refused with what is remembered already.
    Remember(Remember),
    /// Forgets a request, so that it may be sent again. Gives [`Outcome::Done`].
    Forget {
        /// Which kind of request.
        scope: String,
        /// The caller's key.
        key: String,
    },
    /// Drops what retention allows and what has expired, in one bounded slice. Gives [`Outcome::Pruned`].
    Prune(Retention),
}

/// When a write may happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// Always.
    #[default]
    Any,
    /// Only where the key is absent.
    Absent,
    /// Only where the key is there.
    Present,
    /// Only where the key is there with this version.
    Version(u64),
    /// Only where the key is there with this revision.
    Revision(Seq),
}

/// See [`Op::Put`].
#[derive(Clone, Debug)]
pub struct Put {
    /// The namespace.
    pub namespace: String,
    /// The key.
    pub key: String,
    /// The value.
    pub value: Json,
    /// When it may happen.
    pub condition: Condition,
    /// When the entry ceases to be.
    pub expires_at: Option<DateTime<Utc>>,
}

/// See [`Op::Delete`].
#[derive(Clone, Debug)]
pub struct Delete {
    /// The namespace.
    pub namespace: String,
    /// The key.
    pub key: String,
    /// When it may happen.
    pub condition: Condition,
}

/// See [`Op::Emit`].
#[derive(Clone, Debug)]
pub struct Emit {
    /// Its name among all events; a store keeps an id once and refuses it a second time.
    pub id: String,
    /// What happened.
    pub topic: String,
    /// The facts.
    pub data: Option<Json>,
    /// The `traceparent` of who emits it.
    pub trace: Option<String>,
}

/// See [`Op::Remember`].
#[derive(Clone, Debug)]
pub struct Remember {
    /// Which kind of request.
    pub scope: String,
    /// The caller's key.
    pub key: String,
    /// Hash of what was asked.
    pub fingerprint: String,
    /// Which process incarnation takes it on.
    pub owner: String,
    /// What is answered; `None` while it runs.
    pub answer: Option<Answer>,
    /// Replaces what this owner remembered; else a remembered request that has not expired refuses the batch.
    pub replace: bool,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// What an operation came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The entry as written.
    Written(Entry),
    /// Whether there was anything to delete.
    Deleted(bool),
    /// The event's sequence.
    Emitted(Seq),
    /// The job as it stands now.
    Job(Box<Job>),
    /// The living job that has the unique key, or the kept one that has the throttle key, as it was.
    Duplicate(Box<Job>),
    /// The living job that has the unique key, as the order changed it.
    Changed(Box<Job>),
    /// The jobs taken, and when the next one that was asked for but is not due yet will be.
    Claimed {
        /// In the order in which they should start.
        jobs: Vec<Job>,
        /// `None` where none waits for time alone. Where a rate leaves no room, the moment when it does counts among them; now where so
        /// many were set aside that the claim stopped before it was full.
        next_due: Option<DateTime<Utc>>,
        /// How many were set aside to wait for their key's turn.
        blocked: usize,
    },
    /// The schedule as it stands now.
    Schedule(Box<Schedule>),
    /// Rows dropped; 0 says that there is nothing left to prune.
    Pruned(u64),
    /// Nothing to tell.
    Done,
}

macro_rules! into_op {
    ($($from:ty => |$value:ident| $op:expr),* $(,)?) => {
        $(impl From<$from> for Op {
            fn from($value: $from) -> Op {
                $op
            }
        })*
    };
}

into_op! {
    Put => |put| Op::Put(put),
    Delete => |delete| Op::Delete(delete),
    Emit => |emit| Op::Emit(emit),
    Enqueue => |job| Op::Enqueue(Box::new(job)),
    Claim => |claim| Op::Claim(claim),
    Settle => |settle| Op::Settle(settle),
    Redrive => |redrive| Op::Redrive(Box::new(redrive)),
    NewSchedule => |schedule| Op::Schedule(Box::new(schedule)),
    Remember => |remember| Op::Remember(remember),
    Retention => |retention| Op::Prune(retention),
}
