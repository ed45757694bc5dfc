//! The apex domain
