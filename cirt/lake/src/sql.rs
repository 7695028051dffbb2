//! SQL of analysts over the findings and small tables beside them: one SELECT, in the engine's own dialect.
//!
//! A question sees the tables it is given and nothing else: the context is made for it, holds no other table, no
//! function that reads files, and none whose answer grows beyond its arguments without being counted. What the scope
//! hides is taken away below the tables, where no question reaches.

use std::sync::Arc;
use std::time::Duration;

use deltalake::arrow::array::{ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray};
use deltalake::arrow::datatypes::{DataType, Field, Int16Type, Schema};
use deltalake::arrow::util::display::{ArrayFormatter, FormatOptions};
use deltalake::datafusion::common::JoinType;
use deltalake::datafusion::datasource::MemTable;
use deltalake::datafusion::error::DataFusionError;
use deltalake::datafusion::execution::context::SQLOptions;
use deltalake::datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, ScalarUDF, Volatility, cast, create_udf, lit,
};
use deltalake::datafusion::prelude::{SessionContext, col};
use futures_util::TryStreamExt as _;

use crate::view::{Fresh, View, sightings};
use crate::{Lake, LakeError, Scope};

/// Functions whose answer may be much larger than what they are given.
const NOT_FOR_QUESTIONS: [&str; 8] = [
    "repeat",
    "lpad",
    "rpad",
    "array_repeat",
    "array_resize",
    "generate_series",
    "range",
    "version",
];

/// The columns that a question sees of a finding, in order; what is not named here stays inside.
const SHOWN: [&str; 17] = [
    "first",
    "last",
    "hits",
    "gid",
    "sid",
    "rev",
    "severity",
    "source_port",
    "destination_port",
    "protocol",
    "app_protocol",
    "packets_to_server",
    "bytes_to_server",
    "packets_to_client",
    "bytes_to_client",
    "facts",
    "received",
];

/// Behind those: where it came from and where it went, as people write addresses.
const ENDS: [&str; 2] = ["source", "destination"];

/// The tables of findings and sightings as a question sees them, with their columns.
#[must_use]
pub fn lake_tables() -> [(&'static str, Vec<&'static str>); 2] {
    let finding = ["sensor"].iter().chain(&SHOWN).chain(&ENDS);
    [
        ("finding", finding.copied().collect()),
        (
            "sighting",
            vec!["kind", "value", "day", "sensor", "findings", "hits"],
        ),
    ]
}

/// A small table beside the findings: named columns of equal length.
#[derive(Clone, Debug, Default)]
pub struct SqlTable {
    pub columns: Vec<(&'static str, SqlColumn)>,
}

/// The values of a column.
#[derive(Clone, Debug)]
pub enum SqlColumn {
    Text(Vec<Option<String>>),
    Number(Vec<Option<i64>>),
}

/// What a question may use.
#[derive(Clone, Copy, Debug)]
pub struct SqlLimits {
    pub deadline: Duration,
    pub rows: usize,
    pub bytes: usize,
}

/// What came of a question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SqlAnswer {
    pub columns: Vec<String>,
    /// Each value as text; null stays null.
    pub rows: Vec<Vec<Option<String>>>,
    /// Whether there were more rows than are here.
    pub is_cut: bool,
}

impl SqlTable {
    fn to_batch(&self) -> Result<RecordBatch, LakeError> {
        let mut fields = Vec::new();
        let mut arrays = Vec::<ArrayRef>::new();
        for (name, column) in &self.columns {
            let (kind, array): (_, ArrayRef) = match column {
                SqlColumn::Text(values) => (
                    DataType::Utf8,
                    Arc::new(values.iter().map(Option::as_deref).collect::<StringArray>()),
                ),
                SqlColumn::Number(values) => (
                    DataType::Int64,
                    Arc::new(values.iter().copied().collect::<Int64Array>()),
                ),
            };
            fields.push(Field::new(*name, kind, true));
            arrays.push(array);
        }
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
    }
}

/// The tables a question names, in lower case, without those it makes itself.
///
/// # Errors
/// When it is no single statement.
pub fn tables_of(question: &str) -> Result<Vec<String>, LakeError> {
    let state = SessionContext::new().state();
    let dialect = state.config().options().sql_parser.dialect;
    let statement = state
        .sql_to_statement(question, &dialect)
        .map_err(|error| refused(&error))?;
    let references = state
        .resolve_table_references(&statement)
        .map_err(|error| refused(&error))?;
    Ok(references
        .iter()
        .map(|reference| reference.table().to_ascii_lowercase())
        .collect())
}

impl Lake {
    /// Answers a question within a scope. `sensors` holds the keys and names of the sensors in the scope, `tables` what
    /// else there is to ask for.
    ///
    /// # Errors
    /// When it is no single SELECT, names what there is not, or takes too long or too much.
    pub fn sql(
        &self,
        fresh: Fresh,
        scope: &Scope,
        sensors: SqlTable,
        tables: Vec<(&'static str, SqlTable)>,
        question: &str,
        limits: SqlLimits,
    ) -> Result<SqlAnswer, LakeError> {
        let shared = Arc::clone(&self.shared);
        let (scope, question) = (scope.clone(), question.to_owned());
        self.run_within(limits.deadline, async move {
            let view = View::apart(&shared, &fresh).await?;
            let context = &view.context;
            for name in NOT_FOR_QUESTIONS {
                context.deregister_udf(name);
                context.deregister_udtf(name);
            }
            let names = in_memory(context, &sensors)?;
            let mut seen = sightings(context, &shared, &fresh).await?;
            if let Some(within) = scope.expression() {
                seen = seen.filter(within)?;
            }
            let seen = seen
                .join(
                    names.clone(),
                    JoinType::Inner,
                    &["sensor_key"],
                    &["sensor_name_key"],
                    None,
                )?
                .select(vec![
                    show_sighting()
                        .call(vec![
                            col("kind"),
                            cast(col("value"), DataType::Binary),
                            lit(true),
                        ])
                        .alias("kind"),
                    show_sighting()
                        .call(vec![
                            col("kind"),
                            cast(col("value"), DataType::Binary),
                            lit(false),
                        ])
                        .alias("value"),
                    col("day"),
                    col("sensor_name").alias("sensor"),
                    col("findings"),
                    col("hits"),
                ])?;
            context.register_table("sighting", seen.into_view())?;
            let mut shown: Vec<Expr> = vec![col("sensor_name").alias("sensor")];
            shown.extend(SHOWN.iter().map(|name| col(*name)));
            shown.extend(ENDS.map(|end| {
                let disclosure = col(format!("{end}_disclosure"));
                show_address()
                    .call(vec![cast(col(end), DataType::Binary), disclosure])
                    .alias(end)
            }));
            let findings = view
                .matching(scope.expression().into_iter().collect())?
                .join(
                    names,
                    JoinType::Inner,
                    &["sensor_key"],
                    &["sensor_name_key"],
                    None,
                )?
                .select(shown)?;
            context.register_table("finding", findings.into_view())?;
            for (name, table) in tables {
                context.register_table(name, in_memory(context, &table)?.into_view())?;
            }
            let only_select = SQLOptions::new()
                .with_allow_ddl(false)
                .with_allow_dml(false)
                .with_allow_statements(false);
            let frame = context
                .sql_with_options(&question, only_select)
                .await
                .map_err(|error| refused(&error))?;
            if matches!(
                frame.logical_plan(),
                LogicalPlan::Explain(_) | LogicalPlan::Analyze(_)
            ) {
                return Err(LakeError::Refused("sql: ask with SELECT".to_owned()));
            }
            answer(frame, limits).await
        })
    }
}

fn in_memory(
    context: &SessionContext,
    table: &SqlTable,
) -> Result<deltalake::datafusion::dataframe::DataFrame, LakeError> {
    let batch = table.to_batch()?;
    let memory = MemTable::try_new(batch.schema(), vec![vec![batch]])?;
    Ok(context.read_table(Arc::new(memory))?)
}

async fn answer(
    frame: deltalake::datafusion::dataframe::DataFrame,
    limits: SqlLimits,
) -> Result<SqlAnswer, LakeError> {
    let columns: Vec<String> = frame
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    let mut answer = SqlAnswer {
        columns,
        ..SqlAnswer::default()
    };
    let mut stream = frame
        .limit(0, Some(limits.rows.saturating_add(1)))?
        .execute_stream()
        .await
        .map_err(|error| refused(&error))?;
    let options = FormatOptions::default();
    let mut room = limits.bytes;
    while let Some(batch) = stream.try_next().await.map_err(|error| refused(&error))? {
        let formatters = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
            .collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            let mut cells = Vec::with_capacity(formatters.len());
            for (column, formatter) in batch.columns().iter().zip(&formatters) {
                let cell = (!column.is_null(row)).then(|| formatter.value(row).to_string());
                room = room.saturating_sub(cell.as_ref().map_or(1, String::len) + 8);
                cells.push(cell);
            }
            if answer.rows.len() >= limits.rows || room == 0 {
                answer.is_cut = true;
                return Ok(answer);
            }
            answer.rows.push(cells);
        }
    }
    Ok(answer)
}

/// What the engine says to a question that it does not take, in one line.
fn refused(error: &DataFusionError) -> LakeError {
    let text = error.strip_backtrace();
    LakeError::Refused(format!("sql: {}", text.lines().next().unwrap_or_default()))
}

/// What a sighting is of, as people read it: the word for its kind, or its value.
fn show_sighting() -> ScalarUDF {
    create_udf(
        "show_sighting",
        vec![DataType::Int16, DataType::Binary, DataType::Boolean],
        DataType::Utf8,
        Volatility::Immutable,
        Arc::new(|arguments: &[ColumnarValue]| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let [kinds, values, words] = arrays.as_slice() else {
                return Err(DataFusionError::Internal(
                    "show_sighting takes three".to_owned(),
                ));
            };
            let kinds = kinds.as_primitive::<Int16Type>();
            let texts: StringArray = kinds
                .iter()
                .zip(values.as_binary::<i32>())
                .zip(words.as_boolean())
                .map(|((kind, value), word)| match (kind?, word?) {
                    (0, true) => Some("address".to_owned()),
                    (1, true) => Some("pseudonym".to_owned()),
                    (_, true) => Some("host".to_owned()),
                    (2, false) => {
                        let forwards: Vec<u8> = value?.iter().rev().copied().collect();
                        Some(String::from_utf8_lossy(&forwards).into_owned())
                    }
                    (_, false) => address_text(value?),
                })
                .collect();
            Ok(ColumnarValue::Array(Arc::new(texts)))
        }),
    )
}

fn address_text(bytes: &[u8]) -> Option<String> {
    let bytes: [u8; 16] = bytes.try_into().ok()?;
    let address = std::net::Ipv6Addr::from(bytes);
    Some(
        address
            .to_ipv4_mapped()
            .map_or_else(|| address.to_string(), |address| address.to_string()),
    )
}

/// An address as people read it; a pseudonym with a tilde before it.
fn show_address() -> ScalarUDF {
    create_udf(
        "show_address",
        vec![DataType::Binary, DataType::Int16],
        DataType::Utf8,
        Volatility::Immutable,
        Arc::new(|arguments: &[ColumnarValue]| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let [addresses, disclosures] = arrays.as_slice() else {
                return Err(DataFusionError::Internal(
                    "show_address takes two".to_owned(),
                ));
            };
            let disclosures = disclosures.as_primitive::<Int16Type>();
            let texts: StringArray = addresses
                .as_binary::<i32>()
                .iter()
                .zip(disclosures)
                .map(|(address, disclosure)| {
                    let text = address_text(address?)?;
                    Some(if disclosure == Some(0) {
                        text
                    } else {
                        format!("~{text}")
                    })
                })
                .collect();
            Ok(ColumnarValue::Array(Arc::new(texts)))
        }),
    )
}
