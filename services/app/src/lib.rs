//! The OS shell: one place to work
