//! The kernel from outside: its sources, its wire, its lives.

mod layers;
