//! The documentation site, with search
