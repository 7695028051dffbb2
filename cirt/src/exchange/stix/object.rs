//! One object, with what the gate and the servers must know of it.

use jiff::Timestamp;
use serde_json::Value;

use crate::exchange::{Country, Kind, Shareable, Tlp, inbound};

/// An object of STIX.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    id: String,
    body: Value,
    tlp: Tlp,
    kind: Kind,
    countries: Vec<Country>,
    about: Option<String>,
}

impl Object {
    /// An object that we made or that was checked: it has a name.
    pub(in crate::exchange) fn new(
        body: Value,
        tlp: Tlp,
        kind: Kind,
        countries: &[Country],
    ) -> Self {
        let id = body
            .get("id")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        Self {
            id,
            body,
            tlp,
            kind,
            countries: countries.to_vec(),
            about: None,
        }
    }

    /// An object as it came in.
    ///
    /// # Errors
    /// What it lacks, in one clause.
    pub fn checked(body: Value, tlp: Tlp) -> Result<Self, String> {
        inbound::check(&body)?;
        let kind = inbound::kind_of(&body);
        Ok(Self::new(body, tlp, kind, &[]))
    }

    /// The same, standing for something that may be taken back.
    #[must_use]
    pub(in crate::exchange) fn standing_for(self, about: String) -> Self {
        Self {
            about: Some(about),
            ..self
        }
    }

    /// What it stands for, where that is said.
    #[must_use]
    pub fn about(&self) -> Option<&str> {
        self.about.as_deref()
    }

    /// As in `indicator--…`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What stands before the two dashes.
    #[must_use]
    pub fn kind_of_object(&self) -> &str {
        self.id.split_once("--").map_or("", |(kind, _)| kind)
    }

    #[must_use]
    pub const fn body(&self) -> &Value {
        &self.body
    }

    /// When this version was made; observables have none.
    #[must_use]
    pub fn version(&self) -> Option<Timestamp> {
        let of = |key: &str| {
            self.body
                .get(key)
                .and_then(Value::as_str)
                .and_then(|text| text.parse().ok())
        };
        of("modified").or_else(|| of("created"))
    }
}

impl Shareable for Object {
    fn subject(&self) -> &str {
        &self.id
    }

    fn tlp(&self) -> Tlp {
        self.tlp
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn countries(&self) -> &[Country] {
        &self.countries
    }
}
