//! The tables and their columns, as every engine that reads Delta sees them.
//!
//! Times are UTC. An address is 16 bytes, IPv4 as mapped (RFC 4291, section 2.5.5.2), so that networks are ranges.
//! Columns are only ever added.

use std::sync::Arc;

use deltalake::arrow::array::RecordBatch;
use deltalake::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use deltalake::datafusion::datasource::table_schema::TableSchema as Columns;
use deltalake::kernel::{DataType as DeltaType, PrimitiveType, StructField};

use crate::LakeError;

/// Milliseconds of the days that files are parted by.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// Name, type, and whether it may be null.
type Column = (&'static str, PrimitiveType, bool);

/// One kind of table.
#[derive(Debug)]
pub(crate) struct TableSchema {
    pub(crate) name: &'static str,
    pub(crate) comment: &'static str,
    columns: &'static [Column],
    /// The column that files are parted by: a date.
    pub(crate) partition: &'static str,
    /// Columns of which each file, and each page in it, tells its least and greatest value.
    pub(crate) indexed: &'static str,
    /// The order of rows within a file.
    pub(crate) order: &'static [&'static str],
    /// Columns that ascend slowly in that order.
    pub(crate) ascending: &'static [&'static str],
}

/// The findings. What a sensor sent stays together in a file, in the order in which it came.
pub(crate) static FINDING: TableSchema = TableSchema {
    name: "finding",
    comment: "Findings of a national early-warning network",
    columns: &[
        // UTC day of the last packet; 1970-01-01 where nobody believes the sensor's clock.
        ("day", PrimitiveType::Date, false),
        // Order of loading: gapless, unique, ascending.
        ("key", PrimitiveType::Long, false),
        ("sensor_key", PrimitiveType::Long, false),
        // (sensor, epoch, lane, number) is the finding's identity for ever; the sensor's in hexadecimal.
        ("sensor", PrimitiveType::String, false),
        ("epoch", PrimitiveType::Long, false),
        ("lane", PrimitiveType::Short, false),
        ("number", PrimitiveType::Long, false),
        // The batch it came in.
        ("batch", PrimitiveType::Long, false),
        ("received", PrimitiveType::Timestamp, false),
        ("first", PrimitiveType::Timestamp, false),
        ("last", PrimitiveType::Timestamp, false),
        ("hits", PrimitiveType::Long, false),
        ("gid", PrimitiveType::Long, false),
        ("sid", PrimitiveType::Long, false),
        ("rev", PrimitiveType::Long, false),
        ("severity", PrimitiveType::Short, false),
        ("action", PrimitiveType::Short, false),
        ("source", PrimitiveType::Binary, true),
        // 0 clear, 1 pseudonym, 2 withheld.
        ("source_disclosure", PrimitiveType::Short, false),
        ("source_key_epoch", PrimitiveType::Long, true),
        ("source_port", PrimitiveType::Integer, true),
        ("destination", PrimitiveType::Binary, true),
        ("destination_disclosure", PrimitiveType::Short, false),
        ("destination_key_epoch", PrimitiveType::Long, true),
        ("destination_port", PrimitiveType::Integer, true),
        ("protocol", PrimitiveType::Short, false),
        ("app_protocol", PrimitiveType::String, true),
        ("direction", PrimitiveType::Short, false),
        ("packets_to_server", PrimitiveType::Long, false),
        ("bytes_to_server", PrimitiveType::Long, false),
        ("packets_to_client", PrimitiveType::Long, false),
        ("bytes_to_client", PrimitiveType::Long, false),
        ("flow_start", PrimitiveType::Timestamp, true),
        // JSON: [["http.host", "example.org"], …]
        ("facts", PrimitiveType::String, false),
        // SHA-256 of the policy that let it out.
        ("policy", PrimitiveType::Binary, true),
        // When the sensor wrote it down, by its own clocks.
        ("made", PrimitiveType::Timestamp, false),
        ("made_monotonic_ms", PrimitiveType::Long, false),
        ("boot", PrimitiveType::Binary, false),
        ("clock_quality", PrimitiveType::Short, false),
        // The load unit that brought it.
        ("unit", PrimitiveType::Long, false),
        // The batch's row in the inbox, to count what a batch brought.
        ("inbox_key", PrimitiveType::Long, false),
    ],
    partition: "day",
    indexed: "key,sensor_key,number,last,sid",
    order: &["sensor_key", "key"],
    ascending: &[
        "key",
        "number",
        "first",
        "last",
        "flow_start",
        "made",
        "made_monotonic_ms",
        "batch",
    ],
};

/// Which sensor saw an address or a host on which day. Rows of one thing lie side by side; the same thing, day and sensor may
/// have several rows, which are summed.
pub(crate) static SIGHTING: TableSchema = TableSchema {
    name: "sighting",
    comment: "Which sensor saw an address or a host name on which day",
    columns: &[
        // The first of the month.
        ("month", PrimitiveType::Date, false),
        // 0 address, 1 pseudonym, 2 host.
        ("kind", PrimitiveType::Short, false),
        // 16 bytes of an address; a host name in lower case, backwards, so that a domain and all below it are one range.
        ("value", PrimitiveType::Binary, false),
        ("day", PrimitiveType::Date, false),
        ("sensor_key", PrimitiveType::Long, false),
        ("findings", PrimitiveType::Long, false),
        ("hits", PrimitiveType::Long, false),
        // Seconds since the day began.
        ("first_second", PrimitiveType::Integer, false),
        ("last_second", PrimitiveType::Integer, false),
    ],
    partition: "month",
    indexed: "kind,value,day",
    order: &["kind", "value", "day", "sensor_key"],
    ascending: &[],
};

fn arrow_type(kind: &PrimitiveType) -> DataType {
    match kind {
        PrimitiveType::Date => DataType::Date32,
        PrimitiveType::Short => DataType::Int16,
        PrimitiveType::Integer => DataType::Int32,
        PrimitiveType::String => DataType::Utf8,
        PrimitiveType::Binary => DataType::Binary,
        PrimitiveType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        _ => DataType::Int64,
    }
}

impl TableSchema {
    /// The columns as Delta has them.
    pub(crate) fn delta(&self) -> Vec<StructField> {
        self.columns
            .iter()
            .map(|(name, kind, is_nullable)| {
                StructField::new(*name, DeltaType::Primitive(kind.clone()), *is_nullable)
            })
            .collect()
    }

    /// The columns as rows in memory have them.
    pub(crate) fn arrow(&self) -> SchemaRef {
        let fields: Vec<Field> = self
            .columns
            .iter()
            .map(|(name, kind, is_nullable)| Field::new(*name, arrow_type(kind), *is_nullable))
            .collect();
        Arc::new(Schema::new(fields))
    }

    /// The columns as questions see them: those that stand in files, and behind them the one files are parted by.
    pub(crate) fn columns_of_files(&self) -> Columns {
        let all = self.arrow();
        let (parted, stored): (Vec<FieldRef>, Vec<FieldRef>) = all
            .fields()
            .iter()
            .cloned()
            .partition(|field| field.name() == self.partition);
        Columns::builder(Arc::new(Schema::new(stored)))
            .with_table_partition_cols(parted)
            .build()
    }

    /// Rows of [`Self::arrow`] with their columns in the order of [`Self::columns_of_files`].
    pub(crate) fn as_seen(&self, rows: &RecordBatch) -> Result<RecordBatch, LakeError> {
        let schema = Arc::clone(self.columns_of_files().table_schema());
        let columns = schema
            .fields()
            .iter()
            .map(|field| rows.column_by_name(field.name()).cloned())
            .collect::<Option<Vec<_>>>()
            .ok_or(LakeError::Unreadable("columns of fresh rows"))?;
        Ok(RecordBatch::try_new(schema, columns)?)
    }
}
