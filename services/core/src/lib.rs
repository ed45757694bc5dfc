//! Identity: users and who they are
