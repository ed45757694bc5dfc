//! The public site and the status page
