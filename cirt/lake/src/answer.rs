//! Columns of an answer as numbers, whatever types the engine gave them.

use deltalake::arrow::array::{AsArray as _, RecordBatch};
use deltalake::arrow::compute::cast;
use deltalake::arrow::datatypes::{DataType, Int64Type};
use deltalake::datafusion::common::ScalarValue;

use crate::LakeError;

/// Several columns of whole numbers of one batch, by their place among the names that were asked for.
pub(crate) struct Numbers(Vec<Vec<Option<i64>>>);

impl Numbers {
    pub(crate) fn of(batch: &RecordBatch, names: &[&'static str]) -> Result<Self, LakeError> {
        names
            .iter()
            .map(|name| longs(batch, name))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The number in a row; 0 where there is none.
    pub(crate) fn at(&self, column: usize, row: usize) -> i64 {
        let column = self.0.get(column).and_then(|column| column.get(row));
        column.copied().flatten().unwrap_or_default()
    }
}

/// A column of whole numbers.
pub(crate) fn longs(
    batch: &RecordBatch,
    name: &'static str,
) -> Result<Vec<Option<i64>>, LakeError> {
    let column = batch
        .column_by_name(name)
        .ok_or(LakeError::Unreadable(name))?;
    let column = match column.data_type() {
        // Days since 1970.
        DataType::Date32 => cast(&cast(column, &DataType::Int32)?, &DataType::Int64)?,
        _ => cast(column, &DataType::Int64)?,
    };
    Ok(column.as_primitive::<Int64Type>().iter().collect())
}

/// A column of large whole numbers; what is beyond counting stays at the end.
pub(crate) fn decimals(batch: &RecordBatch, name: &'static str) -> Result<Vec<u64>, LakeError> {
    let column = batch
        .column_by_name(name)
        .ok_or(LakeError::Unreadable(name))?;
    (0..column.len())
        .map(|row| match ScalarValue::try_from_array(column, row)? {
            ScalarValue::Decimal128(Some(value), _, _) => {
                Ok(u64::try_from(value.max(0)).unwrap_or(u64::MAX))
            }
            _ => Ok(0),
        })
        .collect()
}
