//! The fleet as a file system and a shell
