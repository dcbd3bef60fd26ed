//! Prints tables: rows of words in aligned columns.

/// The alignment of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words are aligned to the left.
    Left,
    /// Figures are aligned to the right.
    Right,
}

/// Aligned columns, with two spaces between them.
#[derive(Clone, Debug)]
pub struct Columns {
    columns: Vec<Column>,
}

#[derive(Clone, Debug)]
struct Column {
    head: &'static str,
    side: Align,
    width: usize,
}

impl Columns {
    /// Columns, each with its heading, alignment and smallest width.
    pub fn new(columns: &[(&'static str, Align, usize)]) -> Columns {
        let column = |&(head, side, width): &(&'static str, Align, usize)| Column {
            head,
            side,
            width: width.max(len(head)),
        };
        Columns {
            columns: columns.iter().map(column).collect(),
        }
    }

    /// Widens the columns to fit these rows.
    #[must_use]
    pub fn fit<'a>(mut self, rows: impl IntoIterator<Item = &'a [String]>) -> Columns {
        for row in rows {
            for (column, cell) in self.columns.iter_mut().zip(row) {
                column.width = column.width.max(len(cell));
            }
        }
        self
    }

    /// The headings as a line.
    pub fn head(&self) -> String {
        self.line(self.columns.iter().map(|column| column.head))
    }

    /// A row as a line.
    pub fn row(&self, cells: &[String]) -> String {
        self.line(cells.iter().map(String::as_str))
    }

    fn line<'a>(&self, cells: impl Iterator<Item = &'a str>) -> String {
        let place = |(column, cell): (&Column, &str)| match column.side {
            Align::Left => format!("{cell:<0$}", column.width),
            Align::Right => format!("{cell:>0$}", column.width),
        };
        let cells: Vec<String> = self.columns.iter().zip(cells).map(place).collect();
        format!("{}\n", cells.join("  ").trim_end())
    }
}

/// Formats rows as lines with aligned columns.
pub fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let columns = Columns::new(&vec![("", Align::Left, 0); count]);
    let columns = columns.fit(rows.iter().map(Vec::as_slice));
    rows.iter().map(|row| columns.row(row)).collect()
}

/// Formats rows as a Markdown table, which is also readable on a terminal.
pub fn markdown(heads: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cell = |cell: &str| match cell {
            "" => " |".to_string(),
            cell => format!(" {cell} |"),
        };
        format!("|{}\n", cells.map(cell).collect::<String>())
    };
    let head = line(&mut heads.iter().copied());
    let rule = format!("|{}\n", "---|".repeat(heads.len()));
    let rows: String = rows
        .iter()
        .map(|row| line(&mut row.iter().map(String::as_str)))
        .collect();
    format!("{head}{rule}{rows}")
}

fn len(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: [&str; 2]) -> Vec<String> {
        cells.map(String::from).to_vec()
    }

    #[test]
    fn words_stand_on_the_left_and_figures_on_the_right() {
        let rows = [row(["crashes", "1,234"]), row(["x", ""])];
        let columns = Columns::new(&[("what", Align::Left, 0), ("n", Align::Right, 0)]);
        let columns = columns.fit(rows.iter().map(Vec::as_slice));
        let lines = [columns.head(), columns.row(&rows[0]), columns.row(&rows[1])];
        assert_eq!(lines.concat(), "what         n\ncrashes  1,234\nx\n");
    }

    #[test]
    fn a_table_of_markdown_has_a_rule_and_empty_cells() {
        let table = markdown(&["sync", "", "s"], &[vec![String::new(); 3]]);
        assert_eq!(table, "| sync | | s |\n|---|---|---|\n| | | |\n");
    }
}
