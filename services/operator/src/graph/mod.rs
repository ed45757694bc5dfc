//! Graphs: workflows as data. A graph is checked when it comes, run as one run of a workflow, and readable while it runs.

mod check;
mod routes;
mod run;
mod show;
#[cfg(test)]
mod tests;

pub(crate) use routes::routes;
pub(crate) use run::run;
