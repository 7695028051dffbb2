//! The labels of TLP 2.0 as marking definitions: fixed objects of the extension that OASIS published for them.

use serde_json::{Value, json};

use super::Object;
use crate::exchange::{Kind, Tlp};

const EXTENSION: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";
const CREATED: &str = "2022-10-01T00:00:00.000Z";

/// The name of a label's definition.
pub(crate) const fn marking_id(tlp: Tlp) -> &'static str {
    match tlp {
        Tlp::Clear => "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
        Tlp::Green => "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
        Tlp::Amber => "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
        Tlp::AmberStrict => "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
        Tlp::Red => "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
    }
}

/// The definition of a label.
pub(crate) fn definition(tlp: Tlp) -> Object {
    let body = json!({
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": marking_id(tlp),
        "created": CREATED,
        "name": tlp.label(),
        "extensions": { EXTENSION: { "extension_type": "property-extension", "tlp_2_0": tlp.name() } },
    });
    Object::new(body, Tlp::Clear, Kind::Identity, &[])
}

/// The label of an object that came in: the strictest that it names. Labels of TLP 1 count as those of 2.
#[must_use]
pub fn marking_of(object: &Value) -> Option<Tlp> {
    let references = object.get("object_marking_refs")?.as_array()?;
    references
        .iter()
        .filter_map(Value::as_str)
        .filter_map(|reference| {
            Tlp::ALL
                .into_iter()
                .find(|tlp| marking_id(*tlp) == reference)
                .or_else(|| version_1(reference))
        })
        .max()
}

fn version_1(reference: &str) -> Option<Tlp> {
    match reference {
        "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9" => Some(Tlp::Clear),
        "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da" => Some(Tlp::Green),
        "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82" => Some(Tlp::Amber),
        "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed" => Some(Tlp::Red),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_label_counts() {
        for tlp in Tlp::ALL {
            assert_eq!(
                marking_of(&json!({ "object_marking_refs": [marking_id(tlp)] })),
                Some(tlp)
            );
        }
        let both = json!({ "object_marking_refs": [marking_id(Tlp::Green), "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"] });
        assert_eq!(marking_of(&both), Some(Tlp::Amber));
        assert_eq!(
            marking_of(&json!({ "object_marking_refs": ["marking-definition--unknown"] })),
            None
        );
        assert_eq!(marking_of(&json!({})), None);
    }
}
