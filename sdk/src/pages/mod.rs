//! placeholder
mod assets;
pub mod chart;
mod frame;
mod html;
mod icon;
mod parts;
mod status;
mod table;
#[cfg(test)]
mod tests;

pub use assets::{ASSET_CACHE_CONTROL, ASSET_PREFIX, ASSETS, Asset, CONTENT_SECURITY_POLICY, asset_path, find_asset};
pub use frame::{Crumb, FleetMark, Frame, NavGroup, NavLink};
pub use html::{Escaped, Html};
pub use icon::Icon;
pub use parts::{
    Failure, Tab, ago, as_command, badge, code_block, empty_state, error_state, facts, id, live_controls, notice,
    pager, partial, skeleton, stat, status_label, status_mark, tabs, time,
};
pub use status::{Status, Tone};
pub use table::Table;
