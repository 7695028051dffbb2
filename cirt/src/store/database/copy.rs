//! All rows of all tables, from one database into another that is empty, whichever two they are.

use super::connection::Transaction;
use super::error::Result;
use super::shape::{Shape, Table};
use super::value::{Value, listed};

/// Rows that go with one statement.
const ROWS_AT_ONCE: usize = 64;
/// Bytes of values after which a statement goes though it could take more rows.
const BYTES_AT_ONCE: usize = 1 << 20;

/// Copies everything. Triggers say what people may do; a copy is what they have done.
pub(in crate::store) fn copy_all(
    from: &Transaction<'_>,
    to: &Transaction<'_>,
    shape: &Shape,
) -> Result<()> {
    let triggers = to.set_triggers_aside(shape)?;
    for table in shape.tables.iter().rev() {
        to.execute(&format!("DELETE FROM {}", table.name), ())?;
    }
    for table in &shape.tables {
        copy_table(from, to, table)?;
    }
    to.execute_batch(&triggers)?;
    to.count_on(shape)
}

fn copy_table(from: &Transaction<'_>, to: &Transaction<'_>, table: &Table) -> Result<()> {
    let columns = table.columns.join(", ");
    let one = format!("({})", vec!["?"; table.columns.len()].join(", "));
    let (mut pending, mut bytes) = (Vec::<Value>::new(), 0usize);
    let write = |pending: &mut Vec<Value>| -> Result<()> {
        let rows = pending.len().checked_div(table.columns.len()).unwrap_or(0);
        if rows > 0 {
            let rows = vec![one.as_str(); rows].join(", ");
            to.execute(
                &format!("INSERT INTO {} ({columns}) VALUES {rows}", table.name),
                listed(pending),
            )?;
            pending.clear();
        }
        Ok(())
    };
    from.each_row(&format!("SELECT {columns} FROM {}", table.name), |row| {
        for column in 0..table.columns.len() {
            let value = row.value(column)?.to_owned();
            bytes += value.bytes();
            pending.push(value);
        }
        if pending.len() >= ROWS_AT_ONCE * table.columns.len() || bytes >= BYTES_AT_ONCE {
            bytes = 0;
            write(&mut pending)?;
        }
        Ok(())
    })?;
    write(&mut pending)
}
