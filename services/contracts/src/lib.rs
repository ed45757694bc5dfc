//! What the nine services offer one another
