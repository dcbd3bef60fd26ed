//! Tables in markdown.

use std::fmt;

pub struct Table {
    title: String,
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(title: impl Into<String>, columns: &[&'static str]) -> Table {
        Table {
            title: title.into(),
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    pub fn push(&mut self, row: Vec<String>) {
        assert!(row.len() == self.columns.len());
        self.rows.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.title)?;
        writeln!(f, "| {} |", self.columns.join(" | "))?;
        let rules = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, _)| match index {
                0 => "---|",
                _ => "---:|",
            });
        writeln!(f, "|{}", rules.collect::<String>())?;
        for row in &self.rows {
            writeln!(f, "| {} |", row.join(" | "))?;
        }
        Ok(())
    }
}

/// A number with as many decimals as its size deserves.
pub fn figure(number: f64) -> String {
    match number.abs() {
        large if 100.0 <= large => format!("{number:.0}"),
        middle if 10.0 <= middle => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}
