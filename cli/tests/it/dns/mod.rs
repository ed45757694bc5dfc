//! `blackroad dns`, typed at a local API and a local name server.

mod checks;
mod cloudflare;
mod names;
mod plans;
mod troubles;
mod zone;
