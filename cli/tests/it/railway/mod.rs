//! The platform's configuration, evaluated by the platform's own library, and what is said of a checkout that would not do.

mod checkout;
mod evaluated;
mod tools;
