//! The one public gateway
