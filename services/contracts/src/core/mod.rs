//! Core: who people and programs are, and what they may do. One file an idea.

mod clients;
mod hidden;
pub mod key_form;
mod keys;
mod passwords;
mod roles;
mod second_factor;
mod sessions;
mod users;

pub use clients::*;
pub use hidden::Hidden;
pub use keys::*;
pub use passwords::*;
pub use roles::*;
pub use second_factor::*;
pub use sessions::*;
pub use users::*;
