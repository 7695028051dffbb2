//! What the commands print: lines, and tables with aligned columns.

use std::io::{self, Write as _};

/// Prints one line on standard output. A reader that went away (`| head`) is no error.
///
/// # Errors
/// When standard output cannot be written for another reason.
pub fn line(text: &str) -> io::Result<()> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Prints bytes as they are.
///
/// # Errors
/// As [`line()`].
pub fn raw(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// How a column is aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// A table that is laid out once all its rows are known.
#[derive(Debug)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    #[must_use]
    pub fn new(columns: &[(&'static str, Align)]) -> Self {
        Self::with_titles(
            columns
                .iter()
                .map(|(title, align)| ((*title).to_owned(), *align)),
        )
    }

    /// A table whose titles are known only now.
    #[must_use]
    pub fn with_titles(columns: impl IntoIterator<Item = (String, Align)>) -> Self {
        Self {
            columns: columns.into_iter().collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row. Control characters in cells are shown as `·`: a table is printed on a terminal.
    pub fn row(&mut self, cells: Vec<String>) {
        let clean = |cell: String| {
            cell.chars()
                .map(|letter| if letter.is_control() { '·' } else { letter })
                .collect()
        };
        self.rows.push(cells.into_iter().map(clean).collect());
    }

    /// The table as CSV, with its titles.
    ///
    /// # Errors
    /// Never for memory; the type says so because the writer could write elsewhere.
    pub fn to_csv(&self) -> csv::Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(self.columns.iter().map(|(title, _)| title))?;
        for row in &self.rows {
            writer.write_record(row)?;
        }
        writer
            .into_inner()
            .map_err(|error| error.into_error().into())
    }

    /// The table as text, one line a row, without a line end after the last.
    #[must_use]
    pub fn render(&self) -> String {
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, (title, _))| {
                let cells = self
                    .rows
                    .iter()
                    .filter_map(|row| row.get(index))
                    .map(|cell| cell.chars().count());
                cells.chain([title.chars().count()]).max().unwrap_or(0)
            })
            .collect();
        let titles: Vec<String> = self
            .columns
            .iter()
            .map(|(title, _)| title.clone())
            .collect();
        let lines =
            std::iter::once(&titles).chain(&self.rows).map(|row| {
                let cells = row.iter().zip(&self.columns).zip(&widths).map(
                    |((cell, (_, align)), width)| match align {
                        Align::Left => format!("{cell:<width$}"),
                        Align::Right => format!("{cell:>width$}"),
                    },
                );
                cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
            });
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_terminals_are_safe() {
        let mut table = Table::new(&[("name", Align::Left), ("count", Align::Right)]);
        table.row(vec!["a".to_owned(), "7".to_owned()]);
        table.row(vec!["é\u{1b}[2J".to_owned(), "12345".to_owned()]);
        assert_eq!(table.render(), "name   count\na          7\né·[2J  12345");
    }
}
