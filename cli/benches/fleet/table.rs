//! What is printed.

/// Rows of measurements.
#[derive(Default)]
pub(crate) struct Table(Vec<[String; 4]>);

impl Table {
    /// Adds a row: what was measured, what came out, the aim, and whether it was met.
    pub(crate) fn row(&mut self, what: &str, figure: String, aim: &str, met: bool) {
        eprintln!("{what}: {figure}");
        self.0.push([
            what.to_owned(),
            figure,
            aim.to_owned(),
            if met { "met" } else { "missed" }.to_owned(),
        ]);
    }

    /// Prints Markdown, as docs/benchmarks.md holds it.
    pub(crate) fn print(&self) {
        println!("\n| what | figure | aim | |\n|---|---|---|---|");
        for [what, figure, aim, met] in &self.0 {
            println!("| {what} | {figure} | {aim} | {met} |");
        }
    }
}

/// The middle of some figures.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
