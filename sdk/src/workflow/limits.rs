//! What a run may do, each bound with its reason.

use std::time::Duration;

/// Steps of one run: the journal is read whole when a run is taken up anew, and this many are a few megabytes. Longer work continues as
/// new, or is split into children.
pub const STEPS_MAX: usize = 10_000;
/// Steps from which a run is told to [continue as new](super::Handle::continue_as_new_suggested): its code is replayed in a blink yet,
/// and what it still does before it continues has room.
pub const STEPS_SUGGESTED: usize = 2_000;
/// Steps at which a run that did not is warned of: half of what there may be, so that there is time to mend the code.
pub const STEPS_WARNED: usize = STEPS_MAX / 2;
/// From the start of a run that continues as new to the next, at the least: a workflow that does nothing but continue must not take a
/// processor for itself.
pub(super) const CONTINUE_PACE: Duration = Duration::from_millis(100);
/// Largest result of a step, in bytes: as large as a request's body may be; larger things belong elsewhere, and their address here.
pub const RESULT_MAX_BYTES: usize = 1024 * 1024;
/// Things that a run waits for at once: what a person can still read in a run's status.
pub const WAITS_MAX: usize = 256;
/// Children of children of … a run: deeper is a flow that starts itself.
pub const CHILD_DEPTH_MAX: usize = 8;
/// Longest sleep and longest wait: ten years are a mistake in the unit.
pub const WAIT_MAX: Duration = Duration::from_secs(10 * 366 * 24 * 3_600);
/// How long a run that only waits stays in memory: longer than most answers of a fleet take, and short enough that a crowd of waiting
/// runs gives up its slots at once.
pub const LINGER: Duration = Duration::from_millis(100);
/// Longest id of a run that its starter chooses, in bytes: it stands in paths, in keys and before the ids of its jobs.
pub const ID_MAX_BYTES: usize = 100;
/// How much of a step's request is kept beside its hash, to be shown when another one is asked: enough to see what differs.
pub(super) const REQUEST_SHOWN_BYTES: usize = 512;
/// How long code under an old journal may rest before it is said to have changed: far longer than code takes that awaits nothing but
/// its own steps.
pub(super) const STALL: Duration = Duration::from_millis(250);
/// Entries of a journal read at once.
pub(super) const PAGE: usize = 256;
