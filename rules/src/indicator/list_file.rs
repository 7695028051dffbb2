//! Lists of indicators: CSV files (RFC 4180) whose first line names the columns.
//!
//! | column | what |
//! |---|---|
//! | `kind` | address, domain, host, url, ja3, ja3s, ja4, sha1 or sha256 |
//! | `value` | as its kind wants it |
//! | `id` | the number under which sightings are returned, from 1 |
//! | `severity` | how grave a sighting is, 1 the gravest; may be left out or empty, then 2 |
//! | `list` | the number of the list it is from, 1 to 65535; may be left out or empty, then 1 |
//! | `list_name` | what the list is called: the message of its findings; may be left out, or empty but in one line of the list |
//!
//! The order of columns and lines says nothing. A value that stands there several times is kept once, with the gravest severity,
//! then the lowest list, then the lowest id: the same whatever the order.

use std::collections::{BTreeMap, HashMap};

use super::{Indicator, IndicatorKind, Key, Value};
use crate::{
    diagnostic::{Diagnostic, Level},
    limits,
    source::Source,
};

/// The columns of a list.
pub const LIST_COLUMNS: [&str; 6] = ["kind", "value", "id", "severity", "list", "list_name"];

const SEVERITY: u8 = 2;
const LIST: u16 = 1;

/// What a list is called.
pub type ListName = (u16, String);

/// The indicators of some lists, in order of kind and key.
#[derive(Clone, Debug, Default)]
pub struct IndicatorLists {
    /// Each value once.
    pub indicators: Vec<Indicator>,
    /// Every list that an indicator is from, by number.
    pub names: Vec<ListName>,
    /// Lines that named a value which stands in another line too.
    pub repeated: usize,
    /// Mistakes, in the order of files and lines.
    pub diagnostics: Vec<Diagnostic>,
}

/// What is gathered while files are read.
#[derive(Default)]
struct Reading {
    by_identity: HashMap<(IndicatorKind, Key, u8), Indicator>,
    names: BTreeMap<u16, String>,
    diagnostics: Vec<Diagnostic>,
    mistakes: usize,
    repeated: usize,
}

impl IndicatorLists {
    /// Reads lists; what is wrong with them is told all at once.
    #[must_use]
    pub fn read(files: &[Source]) -> Self {
        let mut reading = Reading::default();
        for file in files {
            reading.file(file);
        }
        reading.finish()
    }
}

impl Reading {
    fn file(&mut self, file: &Source) {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(file.bytes.as_slice());
        let columns = match reader.headers() {
            Ok(header) => Columns::of(header),
            Err(error) => Err(error.to_string()),
        };
        let columns = match columns {
            Ok(columns) => columns,
            Err(problem) => {
                self.mistake(
                    file,
                    1,
                    problem,
                    Some(format!("the first line is {}", LIST_COLUMNS.join(","))),
                );
                return;
            }
        };
        for (number, record) in reader.records().enumerate() {
            let fallback = u64::try_from(number).unwrap_or_default() + 2;
            match record {
                Ok(record) => {
                    let line = record.position().map_or(fallback, csv::Position::line);
                    if let Err(problem) = self.line(&columns, &record) {
                        self.mistake(file, line, problem, None);
                    }
                }
                Err(error) => {
                    let line = error.position().map_or(fallback, csv::Position::line);
                    self.mistake(file, line, reason(&error), None);
                }
            }
        }
    }

    fn line(&mut self, columns: &Columns, record: &csv::StringRecord) -> Result<(), String> {
        let field =
            |column: Option<usize>| column.and_then(|at| record.get(at)).unwrap_or_default();
        let kind = field(Some(columns.kind));
        let kind = IndicatorKind::from_name(&kind.to_ascii_lowercase()).ok_or_else(|| {
            let known: Vec<&str> = IndicatorKind::ALL.iter().map(|kind| kind.name()).collect();
            format!("`{kind}` is no kind: write {}", known.join(", "))
        })?;
        let text = field(Some(columns.value));
        let value = Value::parse(kind, text).map_err(|problem| format!("`{text}`: {problem}"))?;
        let id = number(field(Some(columns.id)), "id", None)?;
        let severity = number(field(columns.severity), "severity", Some(SEVERITY))?;
        let list = number(field(columns.list), "list", Some(LIST))?;
        if self.by_identity.len() >= limits::INDICATORS {
            return Err(format!(
                "there are more than {} indicators",
                limits::INDICATORS
            ));
        }
        self.name(list, field(columns.list_name))?;
        let indicator = Indicator {
            kind,
            key: value.key,
            prefix_bits: value.prefix_bits,
            id,
            severity,
            list,
            value: value.text,
        };
        let rank = |one: &Indicator| (one.severity, one.list, one.id);
        match self.by_identity.entry(indicator.identity()) {
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(indicator);
            }
            std::collections::hash_map::Entry::Occupied(mut slot) => {
                self.repeated += 1;
                if rank(&indicator) < rank(slot.get()) {
                    slot.insert(indicator);
                }
            }
        }
        Ok(())
    }

    fn name(&mut self, list: u16, name: &str) -> Result<(), String> {
        if name.is_empty() {
            self.names.entry(list).or_default();
            return Ok(());
        }
        if name.len() > limits::INDICATOR_LIST_NAME_BYTES {
            return Err(format!(
                "the list's name is longer than {} bytes",
                limits::INDICATOR_LIST_NAME_BYTES
            ));
        }
        let known = self.names.entry(list).or_default();
        if known.is_empty() {
            name.clone_into(known);
        } else if known != name {
            return Err(format!(
                "list {list} is called `{known}` already, not `{name}`"
            ));
        }
        Ok(())
    }

    fn mistake(&mut self, file: &Source, line: u64, message: String, hint: Option<String>) {
        self.mistakes += 1;
        if self.diagnostics.len() < limits::INDICATOR_MISTAKES {
            self.diagnostics.push(Diagnostic {
                level: Level::Error,
                code: "indicator",
                file: file.name.clone(),
                line: u32::try_from(line).unwrap_or(u32::MAX),
                column: 1,
                width: 1,
                message,
                hint,
                sid: None,
                source_line: "".into(),
            });
        }
    }

    fn finish(mut self) -> IndicatorLists {
        if let Some(last) = self.diagnostics.last_mut()
            && self.mistakes > limits::INDICATOR_MISTAKES
        {
            last.message = format!(
                "and {} more mistakes",
                self.mistakes - limits::INDICATOR_MISTAKES + 1
            );
            last.hint = None;
        }
        let mut indicators: Vec<Indicator> = self.by_identity.into_values().collect();
        indicators.sort_unstable_by_key(Indicator::identity);
        let mut is_used = vec![false; usize::from(u16::MAX) + 1];
        for indicator in &indicators {
            if let Some(slot) = is_used.get_mut(usize::from(indicator.list)) {
                *slot = true;
            }
        }
        let names = self
            .names
            .into_iter()
            .filter(|(list, _)| is_used.get(usize::from(*list)) == Some(&true))
            .map(|(list, name)| {
                let name = if name.is_empty() {
                    format!("indicator list {list}")
                } else {
                    name
                };
                (list, name)
            })
            .collect();
        IndicatorLists {
            indicators,
            names,
            repeated: self.repeated,
            diagnostics: self.diagnostics,
        }
    }
}

/// Where each column stands.
struct Columns {
    kind: usize,
    value: usize,
    id: usize,
    severity: Option<usize>,
    list: Option<usize>,
    list_name: Option<usize>,
}

impl Columns {
    fn of(header: &csv::StringRecord) -> Result<Self, String> {
        let mut places = [None; LIST_COLUMNS.len()];
        for (at, name) in header.iter().enumerate() {
            let name = name.trim_start_matches('\u{feff}').to_ascii_lowercase();
            let column = LIST_COLUMNS.iter().position(|known| *known == name);
            let slot = column.and_then(|column| places.get_mut(column));
            match slot {
                Some(slot) if slot.is_none() => *slot = Some(at),
                Some(_) => return Err(format!("the column `{name}` stands there twice")),
                None => return Err(format!("`{name}` is no column of a list of indicators")),
            }
        }
        let [Some(kind), Some(value), Some(id), severity, list, list_name] = places else {
            return Err("the columns kind, value and id are needed".to_owned());
        };
        Ok(Self {
            kind,
            value,
            id,
            severity,
            list,
            list_name,
        })
    }
}

/// A number from 1, or what stands for an empty field.
fn number<N: TryFrom<u64> + Copy>(text: &str, column: &str, empty: Option<N>) -> Result<N, String> {
    if let (true, Some(empty)) = (text.is_empty(), empty) {
        return Ok(empty);
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse::<u64>()
        .ok()
        .filter(|number| is_number && *number > 0)
        .and_then(|number| N::try_from(number).ok())
        .ok_or_else(|| {
            let bits = 8 * size_of::<N>();
            format!("the {column} `{text}` is no number from 1 that fits {bits} bits")
        })
}

fn reason(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!("it has {len} fields and the first line has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> IndicatorLists {
        IndicatorLists::read(&[Source {
            name: "list.csv".into(),
            bytes: text.as_bytes().to_vec(),
        }])
    }

    #[test]
    fn the_order_of_lines_and_columns_says_nothing() {
        let one = read(
            "kind,value,id,severity,list,list_name\ndomain,b.example,2,1,3,Bad\naddress,192.0.2.1,1,,,\n",
        );
        let other = read(
            "id,list_name,list,value,kind,severity\n1,,,192.0.2.1,address,\n2,Bad,3,B.example.,Domain,1\n",
        );
        assert_eq!(one.indicators, other.indicators);
        assert_eq!(one.names, other.names);
        assert_eq!(
            one.names,
            [(1, "indicator list 1".to_owned()), (3, "Bad".to_owned())]
        );
        assert!(one.diagnostics.is_empty());
    }

    #[test]
    fn of_a_value_that_stands_twice_the_gravest_is_kept() {
        let lines = [
            "host,a.example,7,2,9\n",
            "host,a.example,3,1,4\n",
            "host,A.example,5,1,4\n",
        ];
        for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
            let text: String = order.iter().map(|at| lines[*at]).collect();
            let lists = read(&format!("kind,value,id,severity,list\n{text}"));
            let kept: Vec<_> = lists
                .indicators
                .iter()
                .map(|one| (one.severity, one.list, one.id))
                .collect();
            assert_eq!(kept, [(1, 4, 3)]);
            assert_eq!(lists.repeated, 2);
        }
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        let lists = read(
            "kind,value,id\ndomain,a..b,1\nnothing,x,1\naddress,192.0.2.1,0\nja3,12,4\nhost,ok.example,5\naddress,192.0.2.1\n",
        );
        let lines: Vec<_> = lists
            .diagnostics
            .iter()
            .map(|mistake| mistake.line)
            .collect();
        assert_eq!(lines, [2, 3, 4, 5, 7]);
        assert_eq!(lists.indicators.len(), 1);
        for (text, clause) in [
            ("value,id\n", "kind, value and id"),
            ("kind,value,id,kind\n", "twice"),
            ("kind,value,id,colour\n", "no column"),
            ("", "kind, value and id"),
            (
                "kind,value,id,list,list_name\nhost,a.b,1,2,One\nhost,b.b,1,2,Two\n",
                "is called `One` already",
            ),
        ] {
            let lists = read(text);
            let [mistake] = lists.diagnostics.as_slice() else {
                panic!("{text}: {:?}", lists.diagnostics)
            };
            assert!(mistake.message.contains(clause), "{mistake}");
        }
    }
}
