//! A finding as a row: into columns and out of them.

use std::sync::Arc;

use deltalake::arrow::array::{
    Array, ArrayRef, AsArray as _, BinaryBuilder, Date32Builder, Int16Builder, Int32Builder,
    Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use deltalake::arrow::compute::cast;
use deltalake::arrow::datatypes::{
    DataType, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
};

use crate::LakeError;
use crate::limits::{BELIEVED_DAYS_AFTER, BELIEVED_DAYS_BEFORE, TEXT_BYTES};
use crate::schema::{DAY_MS, FINDING};

/// One end of a finding's traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// 16 bytes, IPv4 as mapped; none when withheld.
    pub address: Option<[u8; 16]>,
    /// 0 clear, 1 pseudonym, 2 withheld.
    pub disclosure: u8,
    pub key_epoch: Option<u32>,
    pub port: Option<u16>,
}

/// A finding with all that is stored of it. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub key: i64,
    pub sensor_key: i64,
    pub sensor: [u8; 16],
    pub epoch: i64,
    pub lane: u8,
    pub number: i64,
    pub batch: i64,
    pub inbox_key: i64,
    pub received_ms: i64,
    pub first_ms: i64,
    pub last_ms: i64,
    pub hits: i64,
    pub gid: u32,
    pub sid: u32,
    pub rev: u32,
    pub severity: u8,
    pub action: u8,
    pub source: End,
    pub destination: End,
    pub protocol: u8,
    pub app_protocol: Option<String>,
    pub direction: u8,
    pub packets_to_server: i64,
    pub bytes_to_server: i64,
    pub packets_to_client: i64,
    pub bytes_to_client: i64,
    pub flow_start_ms: Option<i64>,
    /// JSON.
    pub facts: String,
    pub policy: Option<[u8; 32]>,
    pub made_ms: i64,
    pub made_monotonic_ms: i64,
    pub boot: [u8; 16],
    pub clock_quality: u8,
}

impl Finding {
    /// Days since 1970 of its last packet; 0 when its sensor's clock was so wrong that nobody believes it. So the days of
    /// a load unit are bounded, whatever a sensor says of the time.
    #[must_use]
    pub fn day(&self) -> i32 {
        if self.has_believed_time() {
            self.day_of_last()
        } else {
            0
        }
    }

    /// Days since 1970 of its last packet, as its sensor says.
    pub(crate) fn day_of_last(&self) -> i32 {
        i32::try_from(self.last_ms.div_euclid(DAY_MS)).unwrap_or(if self.last_ms < 0 {
            i32::MIN
        } else {
            i32::MAX
        })
    }

    pub(crate) fn has_believed_time(&self) -> bool {
        let (day, received) = (
            self.last_ms.div_euclid(DAY_MS),
            self.received_ms.div_euclid(DAY_MS),
        );
        day >= received.saturating_sub(BELIEVED_DAYS_BEFORE)
            && day <= received.saturating_add(BELIEVED_DAYS_AFTER)
    }
}

/// Microseconds; what the calendar of no engine reaches stays at its end.
fn micros(milliseconds: i64) -> i64 {
    milliseconds.saturating_mul(1_000)
}

/// The rows as columns, in the order given; they belong to no load unit yet.
///
/// # Errors
/// When a text is longer than [`TEXT_BYTES`].
pub(crate) fn to_batch(findings: &[Finding]) -> Result<RecordBatch, LakeError> {
    let too_long = findings.iter().any(|finding| {
        finding.facts.len() > TEXT_BYTES
            || finding
                .app_protocol
                .as_ref()
                .is_some_and(|name| name.len() > TEXT_BYTES)
    });
    if too_long {
        return Err(LakeError::Unreadable("a text beyond its cap"));
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(column(findings, Date32Builder::new(), |builder, row| {
            builder.append_value(row.day());
        })),
        long(findings, |row| row.key),
        long(findings, |row| row.sensor_key),
        Arc::new(column(findings, StringBuilder::new(), |builder, row| {
            builder.append_value(hex::encode(row.sensor));
        })),
        long(findings, |row| row.epoch),
        short(findings, |row| row.lane),
        long(findings, |row| row.number),
        long(findings, |row| row.batch),
        time(findings, |row| Some(row.received_ms)),
        time(findings, |row| Some(row.first_ms)),
        time(findings, |row| Some(row.last_ms)),
        long(findings, |row| row.hits),
        long(findings, |row| i64::from(row.gid)),
        long(findings, |row| i64::from(row.sid)),
        long(findings, |row| i64::from(row.rev)),
        short(findings, |row| row.severity),
        short(findings, |row| row.action),
        binary(findings, |row| {
            row.source.address.as_ref().map(<[u8; 16]>::as_slice)
        }),
        short(findings, |row| row.source.disclosure),
        optional_long(findings, |row| row.source.key_epoch.map(i64::from)),
        port(findings, |row| row.source.port),
        binary(findings, |row| {
            row.destination.address.as_ref().map(<[u8; 16]>::as_slice)
        }),
        short(findings, |row| row.destination.disclosure),
        optional_long(findings, |row| row.destination.key_epoch.map(i64::from)),
        port(findings, |row| row.destination.port),
        short(findings, |row| row.protocol),
        Arc::new(column(findings, StringBuilder::new(), |builder, row| {
            builder.append_option(row.app_protocol.as_deref());
        })),
        short(findings, |row| row.direction),
        long(findings, |row| row.packets_to_server),
        long(findings, |row| row.bytes_to_server),
        long(findings, |row| row.packets_to_client),
        long(findings, |row| row.bytes_to_client),
        time(findings, |row| row.flow_start_ms),
        Arc::new(column(findings, StringBuilder::new(), |builder, row| {
            builder.append_value(&row.facts);
        })),
        binary(findings, |row| {
            row.policy.as_ref().map(<[u8; 32]>::as_slice)
        }),
        time(findings, |row| Some(row.made_ms)),
        long(findings, |row| row.made_monotonic_ms),
        binary(findings, |row| Some(row.boot.as_slice())),
        short(findings, |row| row.clock_quality),
        long(findings, |_| 0),
        long(findings, |row| row.inbox_key),
    ];
    Ok(RecordBatch::try_new(FINDING.arrow(), columns)?)
}

/// Fills a builder and finishes it.
fn column<B: deltalake::arrow::array::ArrayBuilder>(
    findings: &[Finding],
    mut builder: B,
    mut add: impl FnMut(&mut B, &Finding),
) -> ArrayRef {
    for finding in findings {
        add(&mut builder, finding);
    }
    builder.finish()
}

fn long(findings: &[Finding], value: impl Fn(&Finding) -> i64) -> ArrayRef {
    column(findings, Int64Builder::new(), |builder, row| {
        builder.append_value(value(row));
    })
}

fn optional_long(findings: &[Finding], value: impl Fn(&Finding) -> Option<i64>) -> ArrayRef {
    column(findings, Int64Builder::new(), |builder, row| {
        builder.append_option(value(row));
    })
}

fn short(findings: &[Finding], value: impl Fn(&Finding) -> u8) -> ArrayRef {
    column(findings, Int16Builder::new(), |builder, row| {
        builder.append_value(i16::from(value(row)));
    })
}

fn port(findings: &[Finding], value: impl Fn(&Finding) -> Option<u16>) -> ArrayRef {
    column(findings, Int32Builder::new(), |builder, row| {
        builder.append_option(value(row).map(i32::from));
    })
}

fn time(findings: &[Finding], value: impl Fn(&Finding) -> Option<i64>) -> ArrayRef {
    let builder = TimestampMicrosecondBuilder::new().with_timezone("UTC");
    column(findings, builder, |builder, row| {
        builder.append_option(value(row).map(micros));
    })
}

fn binary(
    findings: &[Finding],
    value: impl for<'a> Fn(&'a Finding) -> Option<&'a [u8]>,
) -> ArrayRef {
    column(findings, BinaryBuilder::new(), |builder, row| {
        builder.append_option(value(row));
    })
}

/// One column of an answer, whatever the engine made of its type.
struct Column(ArrayRef);

impl Column {
    fn of(batch: &RecordBatch, name: &'static str, kind: &DataType) -> Result<Self, LakeError> {
        let column = batch
            .column_by_name(name)
            .ok_or(LakeError::Unreadable(name))?;
        Ok(Self(if column.data_type() == kind {
            Arc::clone(column)
        } else {
            cast(column, kind)?
        }))
    }

    fn long(batch: &RecordBatch, name: &'static str) -> Result<Self, LakeError> {
        Self::of(batch, name, &DataType::Int64)
    }

    fn short(batch: &RecordBatch, name: &'static str) -> Result<Self, LakeError> {
        Self::of(batch, name, &DataType::Int16)
    }

    fn time(batch: &RecordBatch, name: &'static str) -> Result<Self, LakeError> {
        use deltalake::arrow::datatypes::TimeUnit::Microsecond;
        Self::of(
            batch,
            name,
            &DataType::Timestamp(Microsecond, Some("UTC".into())),
        )
    }

    fn text(batch: &RecordBatch, name: &'static str) -> Result<Self, LakeError> {
        Self::of(batch, name, &DataType::Utf8)
    }

    fn binary(batch: &RecordBatch, name: &'static str) -> Result<Self, LakeError> {
        Self::of(batch, name, &DataType::Binary)
    }

    fn int(&self, row: usize) -> i64 {
        self.0.as_primitive::<Int64Type>().value(row)
    }

    fn optional_int(&self, row: usize) -> Option<i64> {
        self.0.is_valid(row).then(|| self.int(row))
    }

    fn small(&self, row: usize) -> u8 {
        u8::try_from(self.0.as_primitive::<Int16Type>().value(row)).unwrap_or(u8::MAX)
    }

    fn port_at(&self, row: usize) -> Option<u16> {
        self.0
            .is_valid(row)
            .then(|| self.0.as_primitive::<Int32Type>().value(row))
            .and_then(|port| u16::try_from(port).ok())
    }

    fn milliseconds(&self, row: usize) -> i64 {
        self.0
            .as_primitive::<TimestampMicrosecondType>()
            .value(row)
            .div_euclid(1_000)
    }

    fn bytes<const N: usize>(&self, row: usize) -> Option<[u8; N]> {
        self.0
            .is_valid(row)
            .then(|| self.0.as_binary::<i32>().value(row))
            .and_then(|bytes| bytes.try_into().ok())
    }

    fn string(&self, row: usize) -> Option<String> {
        self.0
            .is_valid(row)
            .then(|| self.0.as_string::<i32>().value(row).to_owned())
    }
}

fn number(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// The rows of an answer with all columns.
///
/// # Errors
/// When a column is missing or no value of its kind.
pub(crate) fn from_batch(batch: &RecordBatch) -> Result<Vec<Finding>, LakeError> {
    let (key, sensor_key) = (
        Column::long(batch, "key")?,
        Column::long(batch, "sensor_key")?,
    );
    let (sensor, epoch) = (
        Column::text(batch, "sensor")?,
        Column::long(batch, "epoch")?,
    );
    let (lane, place) = (
        Column::short(batch, "lane")?,
        Column::long(batch, "number")?,
    );
    let (batch_number, received) = (
        Column::long(batch, "batch")?,
        Column::time(batch, "received")?,
    );
    let (first, last) = (Column::time(batch, "first")?, Column::time(batch, "last")?);
    let (hits, gid) = (Column::long(batch, "hits")?, Column::long(batch, "gid")?);
    let (sid, rev) = (Column::long(batch, "sid")?, Column::long(batch, "rev")?);
    let (severity, action) = (
        Column::short(batch, "severity")?,
        Column::short(batch, "action")?,
    );
    let ends = [
        EndColumns::of(
            batch,
            [
                "source",
                "source_disclosure",
                "source_key_epoch",
                "source_port",
            ],
        )?,
        EndColumns::of(
            batch,
            [
                "destination",
                "destination_disclosure",
                "destination_key_epoch",
                "destination_port",
            ],
        )?,
    ];
    let (protocol, app_protocol) = (
        Column::short(batch, "protocol")?,
        Column::text(batch, "app_protocol")?,
    );
    let direction = Column::short(batch, "direction")?;
    let traffic = [
        Column::long(batch, "packets_to_server")?,
        Column::long(batch, "bytes_to_server")?,
        Column::long(batch, "packets_to_client")?,
        Column::long(batch, "bytes_to_client")?,
    ];
    let (flow_start, facts) = (
        Column::time(batch, "flow_start")?,
        Column::text(batch, "facts")?,
    );
    let (policy, made) = (
        Column::binary(batch, "policy")?,
        Column::time(batch, "made")?,
    );
    let (monotonic, boot) = (
        Column::long(batch, "made_monotonic_ms")?,
        Column::binary(batch, "boot")?,
    );
    let (quality, inbox) = (
        Column::short(batch, "clock_quality")?,
        Column::long(batch, "inbox_key")?,
    );

    (0..batch.num_rows())
        .map(|row| {
            let identity = sensor.string(row).and_then(|text| {
                hex::decode(text)
                    .ok()
                    .and_then(|bytes| <[u8; 16]>::try_from(bytes).ok())
            });
            let [
                packets_to_server,
                bytes_to_server,
                packets_to_client,
                bytes_to_client,
            ] = [0, 1, 2, 3].map(|column: usize| traffic.get(column).map_or(0, |c| c.int(row)));
            let [source, destination] = &ends;
            Ok(Finding {
                key: key.int(row),
                sensor_key: sensor_key.int(row),
                sensor: identity.ok_or(LakeError::Unreadable("sensor"))?,
                epoch: epoch.int(row),
                lane: lane.small(row),
                number: place.int(row),
                batch: batch_number.int(row),
                inbox_key: inbox.int(row),
                received_ms: received.milliseconds(row),
                first_ms: first.milliseconds(row),
                last_ms: last.milliseconds(row),
                hits: hits.int(row),
                gid: number(gid.int(row)),
                sid: number(sid.int(row)),
                rev: number(rev.int(row)),
                severity: severity.small(row),
                action: action.small(row),
                source: source.end(row),
                destination: destination.end(row),
                protocol: protocol.small(row),
                app_protocol: app_protocol.string(row),
                direction: direction.small(row),
                packets_to_server,
                bytes_to_server,
                packets_to_client,
                bytes_to_client,
                flow_start_ms: flow_start
                    .0
                    .is_valid(row)
                    .then(|| flow_start.milliseconds(row)),
                facts: facts.string(row).unwrap_or_default(),
                policy: policy.bytes(row),
                made_ms: made.milliseconds(row),
                made_monotonic_ms: monotonic.int(row),
                boot: boot.bytes(row).unwrap_or_default(),
                clock_quality: quality.small(row),
            })
        })
        .collect()
}

/// The columns of one end.
struct EndColumns {
    address: Column,
    disclosure: Column,
    key_epoch: Column,
    port: Column,
}

impl EndColumns {
    fn of(batch: &RecordBatch, names: [&'static str; 4]) -> Result<Self, LakeError> {
        let [address, disclosure, key_epoch, port] = names;
        Ok(Self {
            address: Column::binary(batch, address)?,
            disclosure: Column::short(batch, disclosure)?,
            key_epoch: Column::long(batch, key_epoch)?,
            port: Column::of(batch, port, &DataType::Int32)?,
        })
    }

    fn end(&self, row: usize) -> End {
        End {
            address: self.address.bytes(row),
            disclosure: self.disclosure.small(row),
            key_epoch: self.key_epoch.optional_int(row).map(number),
            port: self.port.port_at(row),
        }
    }
}
