use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What becomes of ticks that were missed: that passed while nobody could take them, and after which another passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CatchUp {
    /// They do not run.
    None,
    /// One run makes up for all of them.
    #[default]
    Last,
    /// Each runs, the oldest first, up to a hundred.
    All,
}

impl CatchUp {
    /// All of them, in the order in which a store numbers them.
    pub const ALL: [CatchUp; 3] = [CatchUp::None, CatchUp::Last, CatchUp::All];
}

/// What a tick does while a job of an earlier one lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Overlap {
    /// It makes a job all the same.
    #[default]
    Allow,
    /// It makes none.
    Skip,
    /// It makes one where none waits: so at most one waits while another runs.
    Buffer,
}

impl Overlap {
    /// All of them, in the order in which a store numbers them.
    pub const ALL: [Overlap; 3] = [Overlap::Allow, Overlap::Skip, Overlap::Buffer];
}
